/** What a command hands back: the JSON document, the exit codes that its parts ask for, and how it reads to people. */
import { worstExit } from '../core/errors.ts';
import { NO_PAINT, type Paint } from './paint.ts';

export type Lines = string | Iterable<string> | AsyncIterable<string>;

export interface CommandResult {
  /** Printed as the one JSON document with --json. */
  result: object;
  /** The worst of them becomes the exit code; none means 0. */
  exits?: readonly number[];
  /** Printed on stdout without --json, a line each; a function is called only when it is needed. */
  text?: Lines | ((paint: Paint) => Lines);
}

/** The lines of a result, whichever way it brings them. */
export function linesOf({ text }: CommandResult, paint: Paint = NO_PAINT): Iterable<string> | AsyncIterable<string> {
  const lines = typeof text === 'function' ? text(paint) : (text ?? []);
  if (typeof lines !== 'string') return lines;
  return lines === '' ? [] : [lines];
}

export const exitOf = ({ exits }: CommandResult): number => worstExit(exits ?? []);
