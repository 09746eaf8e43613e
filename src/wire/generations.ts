/**
 * Generations as lines: a header line `{"generation": …}`, then one line a record; and bare records (writes.ts). Lines of
 * all streams end in a trailer that counts their items and names the digest of what came before.
 */
import { createHash } from 'node:crypto';
import { PlaitError } from '../core/errors.ts';
import { MAX_GENERATION_BYTES } from '../core/generation.ts';
import type { AnyRecord, Generation, GenerationHeader, LoggedRecord } from '../core/records.ts';
import { decodeError } from './error-body.ts';
import { MAX_GENERATIONS, MAX_HANDED_OVER, MAX_LINE, MAX_VECTOR_LINE } from './limits.ts';
import { parseLine, rawLines } from './ndjson.ts';
import { generationHeader, loggedRecord, record } from './record-schemas.ts';
import { decode, object, type Schema } from './schema.ts';

const headerLine: Schema = object({ generation: generationHeader });

/** Hashes every line that goes out, so that the trailer can name the digest of all before it. */
export class LineWriter {
  readonly #hash = createHash('sha256');
  generations = 0;

  line(value: unknown): string {
    const text = `${JSON.stringify(value)}\n`;
    this.#hash.update(text);
    return text;
  }

  *generation({ records, store, generation, count, previous, hash }: Generation): Generator<string> {
    this.generations++;
    yield this.line({ generation: { store, generation, count, previous, hash } });
    for (const item of records) yield this.line(item);
  }

  /** Adds the digest of all lines so far. The last line of a stream. */
  trailer(facts: Record<string, unknown>): string {
    const digest = this.#hash.digest('hex');
    return `${JSON.stringify({ trailer: { ...facts, digest } })}\n`;
  }
}

/** Reads lines in order, remembering the digest of all but the trailer. */
export class LineReader {
  readonly #lines: AsyncGenerator<Buffer>;
  readonly #hash = createHash('sha256');
  #lastLine = 0;
  /** Generations or, in a hand-over, records so far. */
  items = 0;

  constructor(bytes: AsyncIterable<Uint8Array>) {
    this.#lines = rawLines(bytes);
  }

  /** Length of the line that `next` read last. */
  get lineBytes(): number {
    return this.#lastLine;
  }

  /** The first line, which may be longer than others. */
  first(): Promise<Record<string, unknown>> {
    return this.next(MAX_VECTOR_LINE);
  }

  /** The next line's value. A stream that ends here, before its trailer, was cut: `network`. */
  async next(maxBytes = MAX_LINE): Promise<Record<string, unknown>> {
    const { value: line, done } = await this.#lines.next();
    if (done) throw truncated();
    const value = parseLine(line);
    if (Object.hasOwn(value, 'trailer')) return value;
    if (Object.hasOwn(value, 'error')) throw decodeError(line.toString()) ?? truncated();
    if (line.length > maxBytes)
      throw new PlaitError('protocol', `a line of the stream is longer than ${maxBytes} bytes`);
    this.#hash.update(line).update('\n');
    this.#lastLine = line.length;
    return value;
  }

  /** Generations up to the trailer line, which is returned. Records of one generation are held in memory together. */
  async *generationsUntilTrailer(): AsyncGenerator<Generation, Record<string, unknown>> {
    for (;;) {
      const value = await this.next();
      if (Object.hasOwn(value, 'trailer')) return value;
      const { generation } = decode<{ generation: GenerationHeader }>(headerLine, value, 'generation header');
      if (this.items === MAX_GENERATIONS) {
        throw new PlaitError('quota', `a stream holds more than ${MAX_GENERATIONS} generations`, {
          hint: 'run the command again: it goes on where this one ended',
        });
      }
      yield { ...generation, records: await this.records(generation.count) };
      this.items++;
    }
  }

  /** Bare records up to the trailer line. Bounded, and held in memory together. */
  async recordsUntilTrailer(): Promise<{ records: AnyRecord[]; trailer: Record<string, unknown> }> {
    const records: AnyRecord[] = [];
    let bytes = 0;
    for (;;) {
      const value = await this.next();
      if (Object.hasOwn(value, 'trailer')) return { records, trailer: value };
      bytes += this.#lastLine;
      if (records.length === MAX_HANDED_OVER || bytes > MAX_GENERATION_BYTES) {
        throw new PlaitError('protocol', 'more is handed over at once than the protocol allows');
      }
      records.push(decode<AnyRecord>(record, value, 'record'));
      this.items++;
    }
  }

  /** The records of the generation whose header was just read. */
  async records(count: number): Promise<LoggedRecord[]> {
    const records: LoggedRecord[] = [];
    let bytes = 0;
    while (records.length < count) {
      const { value: line, done } = await this.#lines.next();
      if (done) throw truncated();
      bytes += line.length;
      if (line.length > MAX_LINE || bytes > MAX_GENERATION_BYTES) {
        throw new PlaitError('protocol', 'a generation is larger than the protocol allows');
      }
      this.#hash.update(line).update('\n');
      records.push(decode<LoggedRecord>(loggedRecord, parseLine(line), 'record'));
    }
    return records;
  }

  /** Checks what every trailer claims, and that nothing follows it. */
  async finish(told: { items: number; digest: string }): Promise<void> {
    const digest = this.#hash.digest('hex');
    if (told.items !== this.items || told.digest !== digest) {
      throw new PlaitError('protocol', 'the stream differs from what its trailer says', { hint: 'try again' });
    }
    const { done } = await this.#lines.next();
    if (!done) throw new PlaitError('protocol', 'the stream goes on after its trailer');
  }

  /** Lets go of the byte stream underneath. */
  async close(): Promise<void> {
    await this.#lines.return(undefined);
  }
}

const truncated = (): PlaitError =>
  new PlaitError('network', 'the stream was cut off before its end', { hint: 'nothing was changed; try again' });
