/** The parser's complaints in our own words: one line and a hint, exit 2, never a dump of the parser's state. */
import { PlaitError } from '../core/errors.ts';
import { nearest } from './suggest.ts';

interface ParseFailure {
  message: string;
  /** Of arguments that are missing. */
  args?: unknown;
  /** Of a flag that does not exist. */
  flags?: unknown;
  parse?: { input?: { flags?: Record<string, unknown> } };
}

/** `push`, `remote add`: a command as the user types it. */
export const spoken = (id: string): string => id.replaceAll(':', ' ');

export function usageError(error: unknown, id: string): PlaitError {
  const help = `see \`plait ${spoken(id)} --help\``;
  if (!(error instanceof Error)) return new PlaitError('usage', String(error), { hint: help });
  const { flags, parse, args } = error as Error & ParseFailure;
  if (Array.isArray(flags) && flags.length > 0) return unknownFlag(String(flags[0]), parse?.input?.flags ?? {}, help);
  if (/^Missing \d+ required arg/.test(error.message) && Array.isArray(args)) return missingArguments(args, id, help);
  const value = /^Parsing --(\S+) \n\t([\s\S]*)\nSee more help with --help$/.exec(error.message);
  const hint = error instanceof PlaitError && error.hint !== undefined ? error.hint : help;
  const message = value ? `bad value for --${value[1]}: ${value[2]}` : plainMessage(error.message);
  return new PlaitError('usage', message, { hint, cause: error });
}

function unknownFlag(flag: string, known: Record<string, unknown>, help: string): PlaitError {
  const near = nearest(
    flag.replace(/=.*$/s, ''),
    Object.keys(known).map((name) => `--${name}`),
  );
  return new PlaitError('usage', `no flag ${flag}`, { hint: near ? `did you mean ${near}? ${help}` : help });
}

function missingArguments(args: { name: string }[], id: string, help: string): PlaitError {
  const names = args.map(({ name }) => name.toUpperCase()).join(' and ');
  return new PlaitError('usage', `\`plait ${spoken(id)}\` needs ${names}`, { hint: help });
}

/** Parser messages span lines, hold colour and end with advice of their own. */
function plainMessage(message: string): string {
  const lines = message
    .replace(/\u001b\[[0-9;]*m/g, '')
    .replace(/\n*See more help with --help$/, '')
    .replace(/\n\nNote: [\s\S]*$/, '')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !/^The following errors? occurred:$/.test(line));
  const text = lines.join(' ').replace(/ {2,}/g, ' ');
  return text.charAt(0).toLowerCase() + text.slice(1);
}
