/**
 * Progress on a terminal: one live line for the phase that started last, with percent, rate, time to go and the path
 * at hand. ora is loaded only when a phase has lasted long enough to be worth a line, so short commands never pay.
 */
import { styleText } from 'node:util';
import type { Ora } from 'ora';
import { showText } from '../../core/paths.ts';
import type { Phase, Reporter } from '../../core/reporter.ts';
import type { ReporterOptions } from './options.ts';
import { advance, describe, describeEnd, type Progress, startProgress } from './progress.ts';
import { shorten } from './shorten.ts';

const DELAY_MS = 200;
const REFRESH_MS = 100;

/** The one live line, shared by all phases. */
class Line {
  readonly #options: ReporterOptions;
  readonly #active: Progress[] = [];
  #timer: NodeJS.Timeout | undefined;
  #spinner: Ora | undefined;
  #loading = false;

  constructor(options: ReporterOptions) {
    this.#options = options;
  }

  add(progress: Progress): void {
    this.#active.push(progress);
    // unref: a line on the screen must never keep the process alive.
    this.#timer ??= setInterval(() => this.#tick(), REFRESH_MS).unref();
  }

  remove(progress: Progress, line: string): void {
    const at = this.#active.indexOf(progress);
    if (at < 0) return;
    this.#active.splice(at, 1);
    if (this.#spinner) this.print(line);
    if (this.#active.length > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#spinner?.stop();
    this.#spinner = undefined;
  }

  /** A line that stays, above the live one. */
  print(line: string): void {
    const spinning = this.#spinner?.isSpinning === true;
    if (spinning) this.#spinner?.clear();
    this.#options.output.writeNow(`${line}\n`);
    if (spinning) this.#spinner?.render();
  }

  #tick(): void {
    const progress = this.#active.at(-1);
    const now = this.#options.now();
    if (progress === undefined) return;
    if (this.#spinner) this.#spinner.text = shorten(describe(progress, now), this.#options.output.columns - 3);
    else if (now - progress.startedAt >= DELAY_MS) void this.#load();
  }

  async #load(): Promise<void> {
    if (this.#loading) return;
    this.#loading = true;
    try {
      const { default: ora } = await import('ora');
      // All phases may have ended meanwhile.
      if (this.#active.length === 0) return;
      const color = this.#options.color ? 'cyan' : false;
      this.#spinner = ora({ stream: this.#options.output.stream, color, discardStdin: false }).start();
      this.#tick();
    } finally {
      this.#loading = false;
    }
  }
}

export function terminalReporter(options: ReporterOptions): Reporter {
  const line = new Line(options);
  const warned = options.color ? styleText('yellow', 'warning:', { validateStream: false }) : 'warning:';
  return {
    phase(title, totals): Phase {
      const progress = startProgress(title, totals, options.now());
      line.add(progress);
      return {
        total(more) {
          Object.assign(progress.totals, more);
        },
        advance: (step) => advance(progress, step, options.now()),
        end: (summary) => line.remove(progress, describeEnd(progress, summary, options.now())),
      };
    },
    note: (text) => line.print(showText(text)),
    warn: (text) => line.print(`${warned} ${showText(text)}`),
  };
}
