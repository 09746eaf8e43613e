/**
 * Where the events of `sync --follow` go: JSON lines, lines of a log, or a status line with the news above it; and to
 * the service manager. When nobody reads any more, the run ends.
 */
import type { Reporter } from '../core/reporter.ts';
import type { FollowEvent } from '../sync/follow/events.ts';
import type { Context } from './context.ts';
import { ready, type Tell } from './readiness.ts';
import { type Detail, FollowBoard } from './render/follow.ts';
import { canRedraw, wantsColor } from './reporter/select.ts';
import { StatusLine } from './reporter/status-line.ts';

type Told = Pick<Context, 'io' | 'options' | 'signal' | 'reporter' | 'onClose'>;

export class FollowOutput implements Disposable {
  /** Fires when the run is to end, or nobody reads what it tells. */
  readonly signal: AbortSignal;
  readonly #context: Told;
  readonly #board: FollowBoard;
  readonly #line: StatusLine | undefined;
  readonly #unread = new AbortController();
  #written: Promise<unknown> = Promise.resolve();
  #expected: readonly string[] | undefined;
  #tell: Promise<Tell> | undefined;
  #summary = '';

  constructor(context: Told, { allVolsets }: { allVolsets: boolean }) {
    this.#context = context;
    this.signal = AbortSignal.any([context.signal, this.#unread.signal]);
    const { io, options } = context;
    const isLive = !options.json && !options.quiet && options.progress === 'auto' && canRedraw(io.stderr, io.env);
    const detail: Detail = options.quiet ? 'problems' : isLive && io.stdout.isTTY ? 'news' : 'all';
    this.#board = new FollowBoard(detail, allVolsets);
    if (!isLive) return;
    const look = { output: io.stderr, now: () => performance.now(), color: wantsColor(io.stderr, io.env) };
    this.#line = new StatusLine(look, () => this.#board.summary(Date.now()));
  }

  /** What the engine does is told at the end of the status line, where there is one. */
  get reporter(): Reporter {
    return this.#line?.reporter ?? this.#context.reporter;
  }

  /** The remotes that are followed: it is ready when each of them has been tried. */
  expect(remotes: readonly string[]): void {
    this.#expected = remotes;
  }

  take(event: FollowEvent): void {
    const text = this.#board.take(event, Date.now());
    const line = this.#context.options.json ? JSON.stringify(event) : text;
    if (line !== undefined) this.#print(line);
    this.#line?.refresh();
    this.#report();
  }

  /** Resolves when all that was taken has left the process. */
  async written(): Promise<void> {
    await this.#written;
  }

  #print(line: string): void {
    const { stdout } = this.#context.io;
    const print = (): Promise<boolean> => stdout.write(`${line}\n`);
    const written = this.#line ? this.#line.above(print) : print();
    // Lines leave in the order in which they were written. A disk that is full ends the run, and is told at its end.
    this.#written = Promise.all([this.#written, written.then((isRead) => isRead || this.#unread.abort())]);
    this.#written.catch(() => this.#unread.abort());
  }

  #report(): void {
    if (this.#expected === undefined || !this.#board.hasTried(this.#expected)) return;
    const summary = this.#board.summary(Date.now(), true);
    if (this.#tell === undefined) this.#tell = ready(this.#context, summary);
    else if (summary !== this.#summary) void this.#tell.then((tell) => tell(summary));
    this.#summary = summary;
  }

  [Symbol.dispose](): void {
    this.#line?.[Symbol.dispose]();
  }
}
