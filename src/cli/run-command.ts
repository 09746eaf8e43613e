/** One run of one command, from argv to exit code. Nothing that is thrown leaves this function. */
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { type ErrorCode, PlaitError } from '../core/errors.ts';
import { wantsJson } from './argv.ts';
import type { BaseCommand, CommandClass } from './base-command.ts';
import { exitOf, linesOf } from './command-result.ts';
import type { ConfigStore } from './config-store.ts';
import { Context, DEFAULT_OPTIONS, type Options, type Place } from './context.ts';
import { normalizeFailure, printFailure } from './failure.ts';
import { type Interrupts, listenForInterrupts } from './interrupts.ts';
import { type Io, writeLines } from './io.ts';
import { paintFor } from './paint.ts';
import { fillFrom, type Parsed, parseArgv } from './parse-input.ts';
import { selectReporter } from './reporter/select.ts';
import { configSource, envSource } from './settings.ts';
import { spoken } from './usage.ts';

/** Makes the context of a run; tests bring their own. */
export type ContextOf = (io: Io, place: Place, signal: AbortSignal) => Context;

/** All that an oclif command needs of oclif's Config; the real one costs a scan of the package to load. */
const CONFIG = { bin: 'plait' };

export async function runCommand(
  cls: CommandClass,
  argv: readonly string[],
  io: Io,
  contextOf: ContextOf = (...args) => new Context(...args),
): Promise<number> {
  using interrupts = listenForInterrupts();
  let json = wantsJson(argv, io.env);
  try {
    const command = new cls([...argv], CONFIG as never);
    const parsed = await parseArgv(cls, argv, command);
    refuseDeadline(cls, parsed);
    await fillFrom(envSource(io.env), cls, parsed, command);
    command.parsedInput = parsed;
    refuseJson(cls, parsed);
    await using context = contextOf(io, placeOf(parsed, io), interrupts.signal);
    command.context = context;
    await configure(cls, command, interrupts);
    json = context.options.json;
    return await execute(command, interrupts);
  } catch (error) {
    return await fail(error, json, io, interrupts);
  }
}

async function fail(error: unknown, json: boolean, io: Io, interrupts: Interrupts): Promise<number> {
  const failure = interrupts.blame(normalizeFailure(error));
  // A signal comes before all else, and only the listener knows which one it was.
  const exit = interrupts.exit ?? failure.exit;
  await printFailure(failure, exit, json, io);
  return exit;
}

function refuseJson(cls: CommandClass, { output }: Parsed): void {
  if (cls.output !== 'raw' || !output.flags.json) return;
  throw new PlaitError('usage', `\`plait ${spoken(cls.id)}\` writes raw bytes and cannot be combined with --json`, {
    hint: 'leave --json (or PLAIT_JSON) out',
  });
}

/** One given to all commands, by PLAIT_DEADLINE, is not about those. */
function refuseDeadline(cls: CommandClass, { given }: Parsed): void {
  if (cls.takesDeadline || !given.has('deadline')) return;
  throw new PlaitError('usage', `\`plait ${spoken(cls.id)}\` runs until it is stopped and takes no --deadline`, {
    hint: 'end it with SIGTERM; PLAIT_DEADLINE does not count for it',
  });
}

function placeOf({ output: { flags } }: Parsed, io: Io): Place {
  const dir = resolve(io.cwd, (flags.C as string | undefined) ?? '.');
  if (flags.C !== undefined) requireDirectory(dir);
  return flags.store === undefined ? { dir } : { dir, store: resolve(dir, flags.store as string) };
}

function requireDirectory(dir: string): void {
  if (statSync(dir, { throwIfNoEntry: false })?.isDirectory()) return;
  throw new PlaitError('not-found', `-C ${dir} is no directory`, { hint: 'check the path given with -C or PLAIT_DIR' });
}

/** Adds the store's settings and fixes the global options. */
async function configure(cls: CommandClass, command: BaseCommand, interrupts: Interrupts): Promise<void> {
  const { context, parsedInput: parsed } = command;
  const fixOptions = (): void => {
    const options = optionsOf(cls, parsed);
    if (options.deadlineMs !== undefined) interrupts.endAfter(options.deadlineMs);
    // A wait of SQLite's hears of no deadline.
    context.options = { ...options, lockWaitMs: Math.ceil(Math.min(options.lockWaitMs, interrupts.remaining())) };
  };
  // Before the store is opened for its settings: how long to wait for it is one of them.
  fixOptions();
  const before = optionsOf(cls, parsed);
  const config = cls.usesStore ? await findConfig(cls, context) : undefined;
  if (config) {
    await fillFrom(configSource(config.read(), config.origin), cls, parsed, command);
    const { lockWaitMs, deadlineMs } = optionsOf(cls, parsed);
    if (lockWaitMs !== before.lockWaitMs || deadlineMs !== before.deadlineMs) context.reopen();
    fixOptions();
  }
  const { progress, quiet, json } = context.options;
  context.reporter = selectReporter(progress, quiet, context.io, undefined, json);
}

async function findConfig(cls: CommandClass, context: Context): Promise<ConfigStore | undefined> {
  try {
    const config = await context.findConfig();
    const values = config?.read();
    return config && values && { ...config, read: () => values };
  } catch (error) {
    const damaged: ErrorCode[] = ['integrity', 'format', 'no-store'];
    if (cls.toleratesDamage && error instanceof PlaitError && damaged.includes(error.code)) return undefined;
    throw error;
  }
}

function optionsOf(cls: CommandClass, { output: { flags } }: Parsed): Options {
  return {
    json: cls.output !== 'raw' && flags.json === true,
    quiet: flags.quiet === true,
    progress: flags.progress ?? DEFAULT_OPTIONS.progress,
    lockWaitMs: flags['lock-wait'] ?? DEFAULT_OPTIONS.lockWaitMs,
    deadlineMs: cls.takesDeadline ? flags.deadline : undefined,
  };
}

async function execute(command: BaseCommand, interrupts: Interrupts): Promise<number> {
  const { io, options } = command.context;
  const outcome = await command.run();
  // Work that was cut short may look complete: say so, unless being stopped is how this command ends.
  const { signal, exit } = interrupts;
  if (signal.aborted && (exit === undefined || !command.endsBySignal)) throw signal.reason;
  if (!options.json) await writeLines(io.stdout, linesOf(outcome, await paintFor(io.stdout, io.env)));
  else if (command.output === 'document') await io.stdout.write(`${JSON.stringify(outcome.result)}\n`);
  return exitOf(outcome);
}
