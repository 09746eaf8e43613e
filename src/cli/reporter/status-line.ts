/**
 * One line at the bottom of a terminal that is rewritten for as long as the run lasts, with the phase at hand at its
 * end. Not ora's: that is for the length of a phase, and turns a wheel all the time.
 */
import { styleText } from 'node:util';
import { showText } from '../../core/paths.ts';
import type { Phase, Reporter } from '../../core/reporter.ts';
import type { ReporterOptions } from './options.ts';
import { advance, describe, type Progress, startProgress } from './progress.ts';
import { shorten } from './shorten.ts';

const REFRESH_MS = 250;
/** A phase that is over sooner is not worth a look. */
const DELAY_MS = 200;
const CLEAR = '\r\u001b[K';

export class StatusLine implements Disposable {
  readonly #options: ReporterOptions;
  readonly #text: () => string;
  readonly #active: Progress[] = [];
  readonly #timer: NodeJS.Timeout;
  #shown = '';

  /** `text` is asked whenever the line may have to be rewritten. */
  constructor(options: ReporterOptions, text: () => string) {
    this.#options = options;
    this.#text = text;
    // unref: a line on the screen must never keep the process alive.
    this.#timer = setInterval(() => this.refresh(), REFRESH_MS).unref();
  }

  /** What the engine tells, with the phase at hand behind our text, and notes and warnings above it. */
  get reporter(): Reporter {
    const { color, output } = this.#options;
    const warned = color ? styleText('yellow', 'warning:', { validateStream: false }) : 'warning:';
    const above = (line: string): void => this.above(() => output.writeNow(`${line}\n`));
    return {
      phase: (title, totals) => this.#phase(startProgress(title, totals, this.#options.now())),
      note: (text) => above(showText(text)),
      warn: (text) => above(`${warned} ${showText(text)}`),
    };
  }

  /** Makes room for lines that stay, of whatever stream of this terminal. */
  above<T>(print: () => T): T {
    this.#clear();
    const printed = print();
    this.refresh();
    return printed;
  }

  refresh(): void {
    const now = this.#options.now();
    const moving = this.#active.findLast(({ startedAt }) => now - startedAt >= DELAY_MS);
    const text = moving ? `${this.#text()} · ${describe(moving, now)}` : this.#text();
    // The last column stays free: some terminals wrap there.
    const line = shorten(text, this.#options.output.columns - 1);
    if (line === this.#shown) return;
    this.#shown = line;
    this.#options.output.writeNow(CLEAR + line);
  }

  #phase(progress: Progress): Phase {
    this.#active.push(progress);
    return {
      total(more) {
        Object.assign(progress.totals, more);
      },
      advance: (step) => advance(progress, step, this.#options.now()),
      end: () => {
        const at = this.#active.indexOf(progress);
        if (at >= 0) this.#active.splice(at, 1);
      },
    };
  }

  #clear(): void {
    if (this.#shown !== '') this.#options.output.writeNow(CLEAR);
    this.#shown = '';
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#clear();
  }
}
