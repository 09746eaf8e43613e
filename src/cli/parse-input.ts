/** argv -> flags and arguments of a command, then whatever environment and config add. */
import type { Command } from '@oclif/core/command';
import type { ArgInput, FlagInput, ParserOutput } from '@oclif/core/interfaces';
import { parse } from '@oclif/core/parser';
import { PlaitError } from '../core/errors.ts';
import { splitPaths } from './argv.ts';
import type { BaseCommand, CommandClass } from './base-command.ts';
import { globalFlags } from './flags.ts';
import { convert, type Source } from './settings.ts';
import { usageError } from './usage.ts';

export interface Parsed {
  output: ParserOutput;
  /** What followed `--`, for commands that take paths there. */
  paths: string[];
  /** Flags that have a value from argv, environment or config so far. */
  given: Set<string>;
}

/** All flags of a command. Repeatable ones take one value each: oclif would let them swallow the arguments behind. */
export function flagsOf(cls: CommandClass): FlagInput {
  const all = { ...globalFlags, ...cls.flags } as FlagInput;
  return Object.fromEntries(
    Object.entries(all).map(([name, flag]) => [
      name,
      flag.type === 'option' && flag.multiple ? { ...flag, multipleNonGreedy: true } : flag,
    ]),
  );
}

/** Never from stdin: oclif would read a missing argument there, and a cron job's stdin is nobody's answer. */
function argsOf(cls: CommandClass): ArgInput {
  return Object.fromEntries(Object.entries(cls.args).map(([name, arg]) => [name, { ...arg, ignoreStdin: true }]));
}

export async function parseArgv(cls: CommandClass, argv: readonly string[], context: BaseCommand): Promise<Parsed> {
  const cut = cls.pathsAfterDashes ? splitPaths(argv) : { argv: [...argv], paths: [] };
  refuseSwitchValues(cls, cut.argv);
  try {
    const output = await parse(cut.argv, {
      flags: flagsOf(cls),
      args: argsOf(cls),
      strict: cls.strict,
      context: context as never,
    });
    const given = new Set(output.raw.filter((token) => token.type === 'flag').map((token) => token.flag));
    return { output, paths: cut.paths, given };
  } catch (error) {
    throw usageError(error, cls.id);
  }
}

/** oclif takes `--dry-run=false` for `--dry-run` and an argument `false`: the opposite of what was meant. */
function refuseSwitchValues(cls: CommandClass, argv: readonly string[]): void {
  const flags = flagsOf(cls);
  const end = argv.indexOf('--');
  for (const token of argv.slice(0, end < 0 ? undefined : end)) {
    const name = /^--([a-z-]+)=/.exec(token)?.[1];
    if (name === undefined || flags[name]?.type !== 'boolean') continue;
    throw new PlaitError('usage', `--${name} takes no value`, { hint: `write --${name}, or leave it out` });
  }
}

/** Gives each flag that has no value yet the one that `source` holds for it. */
export async function fillFrom(source: Source, cls: CommandClass, parsed: Parsed, context: BaseCommand): Promise<void> {
  for (const [name, flag] of Object.entries(flagsOf(cls))) {
    if (parsed.given.has(name)) continue;
    const found = source(cls.id, name);
    if (found === undefined) continue;
    parsed.output.flags[name] = await convert(name, flag as Command.Flag, found, context);
    parsed.given.add(name);
  }
}
