/**
 * Whole HTTP/1.1 answers out of one connection's bytes, and what a broken proxy may do with them. A client that waits
 * for each answer before it asks again cannot get two answers of one connection in the wrong order; so a `swap` is one
 * between two connections, and a `repeat` gives an old answer to the next question.
 */
export interface AnswerFaults {
  /** Numbers of answers (from 1, over all connections) that are sent twice. */
  duplicate?: number[];
  /** Answers that are given once more, in place of the next one on the same connection. */
  repeat?: number[];
  /** Answers that wait for the next one on another connection, and change places with it. */
  swap?: number[];
}

/** Cuts a stream of bytes into whole answers; what it does not understand it passes on as it comes. */
export class AnswerSplitter {
  #pending: Buffer = Buffer.alloc(0);

  push(bytes: Buffer): Buffer[] {
    this.#pending = Buffer.concat([this.#pending, bytes]);
    const answers: Buffer[] = [];
    for (;;) {
      const length = answerLength(this.#pending);
      if (length === undefined || length > this.#pending.length) return answers;
      answers.push(this.#pending.subarray(0, length));
      this.#pending = this.#pending.subarray(length);
    }
  }

  /** What is left when the connection ends. */
  rest(): Buffer {
    const { length } = this.#pending;
    const rest = this.#pending.subarray(0, length);
    this.#pending = Buffer.alloc(0);
    return rest;
  }
}

/** Bytes of the answer at the start of `bytes`; undefined while that cannot be told. */
function answerLength(bytes: Buffer): number | undefined {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const head = bytes.toString('latin1', 0, end).toLowerCase();
  const start = end + 4;
  if (/^http\/1\.1 (1\d\d|204|304)/.test(head)) return start;
  const length = /\r\ncontent-length: *(\d+)/.exec(head);
  if (length) return start + Number(length[1]);
  return /\r\ntransfer-encoding: *chunked/.test(head) ? chunkedEnd(bytes, start) : undefined;
}

function chunkedEnd(bytes: Buffer, start: number): number | undefined {
  for (let at = start; ; ) {
    const line = bytes.indexOf('\r\n', at);
    if (line < 0) return undefined;
    const size = Number.parseInt(bytes.toString('latin1', at, line), 16);
    at = line + 2 + size + 2;
    if (at > bytes.length) return undefined;
    if (size === 0) return at;
  }
}

/** Where an answer goes: the lane of its connection. */
export interface AnswerSink {
  send(bytes: Buffer): void;
}

/** Counts answers of all connections and does to them what is asked for. */
export class AnswerMixer {
  faults: AnswerFaults = {};
  #count = 0;
  readonly #again = new Map<AnswerSink, Buffer>();
  #held: { sink: AnswerSink; answer: Buffer } | undefined;

  get active(): boolean {
    return Object.keys(this.faults).length > 0;
  }

  get count(): number {
    return this.#count;
  }

  pass(sink: AnswerSink, answer: Buffer): void {
    const { duplicate, repeat, swap } = this.faults;
    const number = ++this.#count;
    const old = this.#again.get(sink);
    this.#again.delete(sink);
    const shown = old ?? answer;
    if (this.#held && this.#held.sink !== sink) {
      const held = this.#held;
      this.#held = undefined;
      sink.send(held.answer);
      held.sink.send(shown);
    } else if (swap?.includes(number)) this.#held = { sink, answer: shown };
    else sink.send(shown);
    if (duplicate?.includes(number)) sink.send(shown);
    if (repeat?.includes(number)) this.#again.set(sink, answer);
  }
}
