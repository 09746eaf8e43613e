/** Entry of the program, for bin: decides what to load and ends the process when all output has left it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { splitArgv, wantsJson } from './argv.ts';
import { type Io, processIo } from './io.ts';

const ROOT = join(import.meta.dirname, '..', '..');

export const readVersion = (): string =>
  (JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string }).version;

export function main(argv: readonly string[]): Promise<void> {
  return runToEnd(argv, (io) => dispatch(argv, io));
}

/** Runs, reports what was thrown, and ends the process when all output has left it. */
export async function runToEnd(argv: readonly string[], run: (io: Io) => Promise<number>): Promise<void> {
  const io = processIo();
  if (wantsJson(argv, io.env)) warnInJson(io);
  process.on('uncaughtException', (error: unknown) => {
    // Thrown outside of any await: what was going on is unknown, so nothing more is done than to tell.
    void fail(error, argv, io).then((code) => process.exit(code));
  });
  const exit = await run(io).catch((error: unknown) => fail(error, argv, io));
  // process.exit would cut what is still on its way into a pipe.
  await Promise.allSettled([io.stdout.write(''), io.stderr.write('')]);
  process.exit(exit);
}

/** Node's own warnings, for who parses each line. */
function warnInJson(io: Io): void {
  process.removeAllListeners('warning');
  process.on('warning', ({ message }) => io.stderr.writeNow(`${JSON.stringify({ type: 'warning', text: message })}\n`));
}

async function fail(error: unknown, argv: readonly string[], io: Io): Promise<number> {
  const { normalizeFailure, printFailure } = await import('./failure.ts');
  const failure = normalizeFailure(error);
  await printFailure(failure, failure.exit, wantsJson(argv, io.env), io);
  return failure.exit;
}

async function dispatch(argv: readonly string[], io: Io): Promise<number> {
  const { globals, rest } = splitArgv(argv);
  const [first] = rest;
  if (argv.length === 1 && (first === '--version' || first === 'version')) {
    await io.stdout.write(`plait ${readVersion()}\n`);
    return 0;
  }
  if (first === undefined || first === '--help' || first === '-h' || first === 'help') {
    return help(rest.slice(1));
  }
  if (first === '--version') return dispatch([...globals, 'version', ...rest.slice(1)], io);
  const { findCommand, loadCommand } = await import('./find-command.ts');
  if (asksForHelp(rest))
    return help(
      rest.slice(
        0,
        rest.findIndex((word) => word.startsWith('-')),
      ),
    );
  const found = findCommand(rest);
  const [cls, { runCommand }] = await Promise.all([loadCommand(found), import('./run-command.ts')]);
  return runCommand(cls, [...globals, ...found.argv], io);
}

function asksForHelp(words: readonly string[]): boolean {
  const end = words.indexOf('--');
  return words.slice(0, end < 0 ? undefined : end).some((word) => word === '--help' || word === '-h');
}

async function help(words: readonly string[]): Promise<number> {
  const { showHelp } = await import('./help.ts');
  await showHelp(words);
  return 0;
}
