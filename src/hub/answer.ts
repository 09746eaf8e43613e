/** The body of an answer in process: read like one that came over a line, and left at any time. */
import { copyOf } from '../core/bytes.ts';

export interface AnswerOptions {
  /** Awaited for each piece before it is handed over. */
  taken(bytes: number): Promise<void>;
  /** The reader went away before the end. */
  left(): void;
  /** How long the source may take for a piece, and what is thrown when it takes longer. */
  silence?: { ms: number; error: () => Error };
  /** Called once, however it ended. */
  ended(): void;
  /** What the reader gets to see of a failure. */
  failure(error: unknown): Error;
}

/** Not an async generator: leaving one waits for the piece that is being waited for, which may not come for long. */
export class Answer implements AsyncGenerator<Uint8Array> {
  readonly #source: Iterator<Uint8Array> | AsyncIterator<Uint8Array>;
  readonly #options: AnswerOptions;
  #done = false;
  #cut: Error | undefined;

  constructor(pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>, options: AnswerOptions) {
    this.#source = Symbol.asyncIterator in pieces ? pieces[Symbol.asyncIterator]() : pieces[Symbol.iterator]();
    this.#options = options;
  }

  async next(): Promise<IteratorResult<Uint8Array>> {
    if (this.#done) return this.#over();
    try {
      const step = await this.#step();
      if (this.#done) return this.#over();
      if (step.done) {
        this.#end();
        return step;
      }
      await this.#options.taken(step.value.length);
      return { done: false, value: copyOf(step.value) };
    } catch (error) {
      // Of a reader that has left, nobody waits for the reason.
      if (this.#done) return this.#over();
      this.#end();
      throw this.#cut ?? this.#options.failure(error);
    }
  }

  async return(): Promise<IteratorReturnResult<undefined>> {
    if (!this.#done) {
      this.#options.left();
      this.#end();
      await this.#close();
    }
    return { done: true, value: undefined };
  }

  /** Ends it for a reader that has not left: it must not take what came for all there is. */
  async cut(reason: Error): Promise<void> {
    if (!this.#done) this.#cut = reason;
    await this.return();
  }

  async throw(error: unknown): Promise<never> {
    await this.return();
    throw error;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  async #step(): Promise<IteratorResult<Uint8Array>> {
    const { silence } = this.#options;
    if (!silence) return this.#source.next();
    const silent = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      this.#cut = silence.error();
      silent.reject(this.#cut);
      // For the source it is as if its reader had left.
      this.#options.left();
    }, silence.ms);
    try {
      return await Promise.race([this.#source.next(), silent.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  #over(): IteratorReturnResult<undefined> {
    if (this.#cut) throw this.#cut;
    return { done: true, value: undefined };
  }

  #end(): void {
    this.#done = true;
    this.#options.ended();
  }

  /** The source has been told to stop; why it stops then is known. */
  async #close(): Promise<void> {
    try {
      await this.#source.return?.();
    } catch {
      // Its failure has no reader.
    }
  }
}
