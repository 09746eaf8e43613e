/** Commands run in this process for the sake of time, and what they print with all that differs from run to run named. */
import { readFileSync } from 'node:fs';
import { hostname, userInfo } from 'node:os';
import { join } from 'node:path';
import { splitArgv } from '../../../src/cli/argv.ts';
import { Context } from '../../../src/cli/context.ts';
import { normalizeFailure, printFailure } from '../../../src/cli/failure.ts';
import { findCommand, loadCommand } from '../../../src/cli/find-command.ts';
import { type ContextOf, runCommand } from '../../../src/cli/run-command.ts';
import { keptIo } from '../../cli/fakes.ts';

export const CONTRACT = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../fixtures/cli-contract.json'), 'utf8'),
) as { commands: Record<string, { issue: number }> };

export interface Printed {
  exit: number;
  stdout: string;
  stderr: string;
}

export interface RunSetup {
  cwd: string;
  state: string;
  /** A SIGINT comes before the command has begun its work. */
  interrupt?: boolean;
}

/** The listener of the run itself, and no other: those of the test runner are not asked. */
const interrupted: ContextOf = (io, place, signal) => {
  (process.listeners('SIGINT').at(-1) as (name: string) => void)('SIGINT');
  return new Context(io, place, signal);
};

export async function runHere(argv: readonly string[], { cwd, state, interrupt = false }: RunSetup): Promise<Printed> {
  const io = { ...keptIo({ XDG_STATE_HOME: state }), cwd };
  let exit: number;
  try {
    const { globals, rest } = splitArgv(argv);
    const found = findCommand(rest);
    const contextOf = interrupt ? interrupted : undefined;
    exit = await runCommand(await loadCommand(found), [...globals, ...found.argv], io, contextOf);
  } catch (error) {
    // As the program does with what is no command at all.
    const failure = normalizeFailure(error);
    exit = failure.exit;
    await printFailure(failure, exit, argv.includes('--json'), io);
  }
  return { exit, stdout: io.stdout.text, stderr: io.stderr.text };
}

const FIGURES =
  /"(bytes|[a-z]+Bytes|bytes[A-Z][a-z]+|sent|received|durationMs|requests|elapsedMs|etaMs|lastSeen|read|packs?|objects?|pid)":\d+/g;

/** Names what is another in each run. */
export function normalized(text: string, names: Record<string, string>): string {
  let plain = text;
  const given = Object.entries(names).sort(([, a], [, b]) => b.length - a.length);
  for (const [name, value] of given) plain = plain.replaceAll(value, `<${name}>`);
  return plain
    .replace(/plait_[A-Za-z0-9_-]{20,}/g, '<TOKEN>')
    .replace(/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3,9}Z/g, '<TIME>')
    .replace(/\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4}/g, '<TIME>')
    .replace(/\b(?=[0-9a-f]*\d)[0-9a-f]{7,64}\b/g, '<ID>')
    .replace(/\b\d+ (min|h|d) ago\b/g, 'just now')
    .replace(/127\.0\.0\.1:\d+/g, '127.0.0.1:<PORT>')
    .replace(/\b\d[\d.,]* (B|KiB|MiB|GiB)\b/g, '<SIZE>')
    .replace(/\b\d+(\.\d+)? (ms|s)\b|\b\d+ min \d\d s\b/g, '<SPAN>')
    .replace(FIGURES, '"$1":<N>')
    .replaceAll(`${userInfo().username}@${hostname()}`, '<USER>@<HOST>')
    .replaceAll(hostname(), '<HOST>');
}

/** A block of a golden file. */
export function blockOf(title: string, argv: readonly string[], { exit, stdout, stderr }: Printed): string {
  const part = (name: string, text: string): string => (text === '' ? '' : `--- ${name}\n${text}`);
  return `=== ${title}: plait ${argv.join(' ')}\n--- exit ${exit}\n${part('stdout', stdout)}${part('stderr', stderr)}`;
}
