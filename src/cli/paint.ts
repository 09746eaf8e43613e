/** Colour, for people at a terminal only; chalk is loaded only for them. */
import type { Io, Output } from './io.ts';
import { wantsColor } from './reporter/select.ts';

export interface Paint {
  /** Ids. */
  id(text: string): string;
  good(text: string): string;
  /** Worth a look, but nothing failed. */
  notice(text: string): string;
  bad(text: string): string;
}

const same = (text: string): string => text;
export const NO_PAINT: Paint = { id: same, good: same, notice: same, bad: same };

export async function paintFor(output: Output, env: Io['env']): Promise<Paint> {
  if (!wantsColor(output, env)) return NO_PAINT;
  const { Chalk } = await import('chalk');
  // The level is ours to decide: chalk would look at the process, not at this output.
  const chalk = new Chalk({ level: 1 });
  return { id: chalk.yellow, good: chalk.green, notice: chalk.yellow, bad: chalk.red };
}
