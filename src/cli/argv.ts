/** Global flags stand before or after the verb; oclif knows only the second form, so the first is taken off here. */
import { PlaitError } from '../core/errors.ts';

/** Spelling of each global flag -> whether a value follows. */
const GLOBALS: Record<string, boolean> = {
  '-C': true,
  '--store': true,
  '--progress': true,
  '--lock-wait': true,
  '--deadline': true,
  '--json': false,
  '--quiet': false,
};

export interface SplitArgv {
  /** Global flags that stood before the verb, with their values. */
  globals: string[];
  /** The verb and all after it; starts with a flag where there is no verb (`--help`, `--version`). */
  rest: string[];
}

/** Takes the global flags off the front. An unknown flag there stays where it is, for the caller to refuse. */
export function splitArgv(argv: readonly string[]): SplitArgv {
  const globals: string[] = [];
  let at = 0;
  while (at < argv.length) {
    const token = argv[at];
    const width = globalWidth(token);
    if (width === 0) break;
    if (at + width > argv.length)
      throw new PlaitError('usage', `${token} needs a value`, { hint: 'see `plait --help`' });
    globals.push(...argv.slice(at, at + width));
    at += width;
  }
  return { globals, rest: argv.slice(at) };
}

/** Number of arguments that a global flag takes up, itself included; 0 for anything else. */
function globalWidth(token: string): number {
  if (Object.hasOwn(GLOBALS, token)) return GLOBALS[token] ? 2 : 1;
  if (token.startsWith('-C') && token.length > 2) return 1;
  const equals = token.indexOf('=');
  if (equals < 0 || !token.startsWith('--')) return 0;
  const name = token.slice(0, equals);
  // `--json=x` is passed on as well: the parser refuses it with its own message.
  return Object.hasOwn(GLOBALS, name) ? 1 : 0;
}

/** Cuts `-- PATH…` off; undefined paths when there is no `--`. */
export function splitPaths(argv: readonly string[]): { argv: string[]; paths: string[] } {
  const at = argv.indexOf('--');
  return at < 0 ? { argv: [...argv], paths: [] } : { argv: argv.slice(0, at), paths: argv.slice(at + 1) };
}

/** Whether JSON was asked for, for errors that come before the flags are parsed. */
export function wantsJson(argv: readonly string[], env: Record<string, string | undefined>): boolean {
  const end = argv.indexOf('--');
  return argv.slice(0, end < 0 ? undefined : end).includes('--json') || /^(1|true|yes|on)$/i.test(env.PLAIT_JSON ?? '');
}
