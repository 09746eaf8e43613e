/** Progress as JSON lines on stderr, for programs: `{"type":"start|progress|end|note|warning", …}`. */
import { jsonPath } from '../../core/paths.ts';
import type { Reporter } from '../../core/reporter.ts';
import type { ReporterOptions } from './options.ts';
import { advance, fraction, type Progress, remaining, startProgress } from './progress.ts';

const INTERVAL_MS = 250;

function figures(progress: Progress, now: number): object {
  const { title, items, bytes, totals, path } = progress;
  const done = fraction(progress);
  const eta = remaining(progress, now);
  const rate = bytes === 0 ? undefined : progress.paces.bytes.rate(now);
  return {
    phase: title,
    items,
    bytes,
    ...(totals.items === undefined ? {} : { totalItems: totals.items }),
    ...(totals.bytes === undefined ? {} : { totalBytes: totals.bytes }),
    ...(done === undefined ? {} : { percent: Math.floor(done * 100) }),
    ...(rate === undefined ? {} : { bytesPerSecond: Math.round(rate) }),
    ...(eta === undefined ? {} : { etaMs: Math.round(eta) }),
    elapsedMs: Math.round(now - progress.startedAt),
    ...(path === undefined ? {} : jsonPath(path)),
  };
}

export function jsonReporter({ output, now }: ReporterOptions): Reporter {
  const print = (type: string, rest: object): void => output.writeNow(`${JSON.stringify({ type, ...rest })}\n`);
  return {
    phase(title, totals) {
      const progress = startProgress(title, totals, now());
      let shown = progress.startedAt;
      print('start', figures(progress, shown));
      return {
        total(more) {
          Object.assign(progress.totals, more);
        },
        advance(step) {
          const time = now();
          advance(progress, step, time);
          if (time - shown < INTERVAL_MS) return;
          shown = time;
          print('progress', figures(progress, time));
        },
        end(summary) {
          print('end', { ...figures(progress, now()), ...(summary === undefined ? {} : { summary }) });
        },
      };
    },
    note: (text) => print('note', { text }),
    warn: (text) => print('warning', { text }),
  };
}
