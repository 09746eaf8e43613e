/** Which reporter a run gets: `--progress`, `--quiet`, and whether anybody is looking. */
import { showText } from '../../core/paths.ts';
import { type Reporter, silentReporter } from '../../core/reporter.ts';
import type { Io, Output } from '../io.ts';
import { jsonReporter } from './json.ts';
import type { ReporterOptions } from './options.ts';
import { plainReporter } from './plain.ts';
import { terminalReporter } from './terminal.ts';

export type ProgressMode = 'auto' | 'plain' | 'json' | 'none';

/** Colour only on a terminal, and never against NO_COLOR or a dumb terminal. */
export function wantsColor(output: Output, env: Io['env']): boolean {
  return output.isTTY && (env.NO_COLOR ?? '') === '' && env.TERM !== 'dumb';
}

/** A terminal without a width (a container's, an `expect` script's) makes ora count lines without end. */
export const canRedraw = (output: Output, env: Io['env']): boolean =>
  output.isTTY && output.columns > 0 && env.TERM !== 'dumb';

/** No progress and no notes; warnings are part of the outcome and are always shown. `json`: for who parses each line. */
export function quietReporter(output: Output, json = false): Reporter {
  const line = (text: string) => (json ? JSON.stringify({ type: 'warning', text }) : `warning: ${showText(text)}`);
  return { ...silentReporter, warn: (text) => output.writeNow(`${line(text)}\n`) };
}

export function selectReporter(
  mode: ProgressMode,
  quiet: boolean,
  io: Pick<Io, 'stderr' | 'env'>,
  now: () => number = () => performance.now(),
  json = false,
): Reporter {
  const options: ReporterOptions = { output: io.stderr, now, color: wantsColor(io.stderr, io.env) };
  if (quiet || mode === 'none') return quietReporter(io.stderr, json);
  if (mode === 'json') return jsonReporter(options);
  if (mode === 'plain') return plainReporter(options);
  return canRedraw(io.stderr, io.env) ? terminalReporter(options) : quietReporter(io.stderr, json);
}
