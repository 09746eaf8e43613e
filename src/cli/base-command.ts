/**
 * What all commands share. A command declares its flags and arguments, and its `run` makes one call of the engine and
 * returns a CommandResult; parsing, settings, output, errors, signals and exit codes are handled around it.
 */
import { Command } from '@oclif/core/command';
import type { Input, ParserOutput } from '@oclif/core/interfaces';
import type { CommandResult } from './command-result.ts';
import type { Context } from './context.ts';
import { globalFlags } from './flags.ts';
import { writeLines } from './io.ts';
import type { Parsed } from './parse-input.ts';

/**
 * What goes to stdout. `document`: one JSON document with --json, else text. `events`: JSON lines by `emit`. `raw`:
 * bytes; --json is refused.
 */
export type OutputKind = 'document' | 'events' | 'raw';

export abstract class BaseCommand extends Command {
  static override baseFlags = globalFlags;

  /** False for commands that must work without a store, or on a broken one: its settings are not read then. */
  static usesStore = true;

  /** Whether it is to run on a damaged store: its settings are then left out. */
  static toleratesDamage = false;

  static output: OutputKind = 'document';

  /** Whether arguments after `--` are paths, kept apart from the others (`log -- PATH…`). */
  static pathsAfterDashes = false;

  /** Whether SIGINT and SIGTERM are the normal end, with exit 0 (servers, watchers). */
  static endsBySignal = false;

  /** False for what has no end of its own that a deadline could cut off (servers). */
  static takesDeadline = true;

  /** Set before `run`. */
  context!: Context;
  parsedInput!: Parsed;

  abstract override run(): Promise<CommandResult>;

  /** Of this run: what the class says, unless its flags decide (`sync --follow`). Both are asked after parsing only. */
  get output(): OutputKind {
    return (this.constructor as CommandClass).output;
  }

  get endsBySignal(): boolean {
    return (this.constructor as CommandClass).endsBySignal;
  }

  /** Flags and arguments, typed by the command's own class: `const { args, flags } = this.input(Push)`. */
  protected input<F extends object, B extends object, A extends object>(_cls: Input<F, B, A>): ParserOutput<F, B, A> {
    return this.parsedInput.output;
  }

  /** What stood after `--`, for commands with `pathsAfterDashes`. */
  protected get paths(): string[] {
    return this.parsedInput.paths;
  }

  /** One event as a JSON line, with --json; `text` without it. */
  protected async emit(event: object, text?: string): Promise<void> {
    const line = this.context.options.json ? JSON.stringify(event) : text;
    if (line !== undefined) await writeLines(this.context.io.stdout, [line]);
  }
}

export type CommandClass = (new (
  argv: string[],
  config: never,
) => BaseCommand) &
  Pick<
    typeof BaseCommand,
    | 'id'
    | 'flags'
    | 'args'
    | 'strict'
    | 'usesStore'
    | 'toleratesDamage'
    | 'output'
    | 'pathsAfterDashes'
    | 'endsBySignal'
    | 'takesDeadline'
  >;
