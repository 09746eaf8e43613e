/** Progress as lines of text, for logs: one at the start, one every few seconds while there is movement, one at the end. */
import { showText } from '../../core/paths.ts';
import type { Reporter } from '../../core/reporter.ts';
import type { ReporterOptions } from './options.ts';
import { advance, describe, describeEnd, startProgress } from './progress.ts';

const INTERVAL_MS = 5000;

export function plainReporter({ output, now }: ReporterOptions): Reporter {
  const print = (line: string): void => output.writeNow(`${line}\n`);
  return {
    phase(title, totals) {
      const progress = startProgress(title, totals, now());
      let shown = progress.startedAt;
      print(showText(title));
      return {
        total(more) {
          Object.assign(progress.totals, more);
        },
        advance(step) {
          const time = now();
          advance(progress, step, time);
          if (time - shown < INTERVAL_MS) return;
          shown = time;
          print(describe(progress, time));
        },
        end: (summary) => print(describeEnd(progress, summary, now())),
      };
    },
    note: (text) => print(showText(text)),
    warn: (text) => print(`warning: ${showText(text)}`),
  };
}
