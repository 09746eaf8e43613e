/** One open node: items are encoded as they come, prefix-compressed, into a buffer that is used again and again. */
import { PlaitError } from '../../core/errors.ts';
import { writeVarint } from '../../core/varint.ts';
import { endsNode, HEADER, keyHash, MAX_ITEM_BYTES, type NodeType, VERSION } from './format.ts';

export class NodeWriter {
  readonly level: number;
  readonly #type: NodeType;
  #buffer = Buffer.allocUnsafe(32_768);
  #pos = HEADER;
  #lastKey: string | undefined;
  count = 0;
  firstKey = '';

  constructor(type: NodeType, level: number) {
    this.#type = type;
    this.level = level;
  }

  /** Room for one more item of at most MAX_ITEM_BYTES, or of `bytes`. */
  #reserve(bytes: number): void {
    const need = this.#pos + bytes;
    if (need <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(need, this.#buffer.length * 2));
    this.#buffer.copy(larger, 0, 0, this.#pos);
    this.#buffer = larger;
  }

  /** Begins an item; keys ascend over the whole level, not only within one node. */
  key(key: string, payload: number): void {
    this.#reserve(key.length + payload + 64);
    const buffer = this.#buffer;
    const last = this.#lastKey;
    let shared = 0;
    if (last !== undefined) {
      const limit = Math.min(last.length, key.length);
      while (shared < limit && last.charCodeAt(shared) === key.charCodeAt(shared)) shared++;
      if (shared === key.length || (shared < last.length && last.charCodeAt(shared) > key.charCodeAt(shared))) {
        throw new PlaitError('unexpected', 'entries of a manifest must come in ascending order');
      }
    }
    this.#lastKey = key;
    if (this.count === 0) {
      shared = 0;
      this.firstKey = key;
    }
    let pos = writeVarint(buffer, this.#pos, shared);
    pos = writeVarint(buffer, pos, key.length - shared);
    for (let i = shared; i < key.length; i++) buffer[pos++] = key.charCodeAt(i);
    this.#pos = pos;
  }

  number(value: number): void {
    this.#pos = writeVarint(this.#buffer, this.#pos, value);
  }

  bytes(source: Uint8Array, start = 0, end = source.length): void {
    const buffer = this.#buffer;
    let pos = this.#pos;
    if (end - start > 160) {
      buffer.set(source.subarray(start, end), pos);
      pos += end - start;
    } else for (let i = start; i < end; i++) buffer[pos++] = source[i];
    this.#pos = pos;
  }

  /** The last key of this level, if its item is in this node: what follows it elsewhere can be copied as it is. */
  follows(key: string): boolean {
    return this.count > 0 && this.#lastKey === key;
  }

  /** A whole encoded item that came behind the same key in another node. */
  copyItem(key: string, from: Uint8Array, start: number, end: number): void {
    this.#reserve(end - start);
    this.#lastKey = key;
    this.bytes(from, start, end);
  }

  /** For items without a key: room for the fixed parts of one list item. */
  room(): void {
    this.#reserve(128);
  }

  /** Ends an item. True when the node ends behind it. */
  end(hash: number): boolean {
    return endsNode(hash, ++this.count, this.#pos);
  }

  endKey(key: string): boolean {
    return endsNode(keyHash(this.level, key), ++this.count, this.#pos);
  }

  /** The node's bytes, a copy; the writer is empty again. */
  take(): Uint8Array {
    const buffer = this.#buffer;
    buffer[0] = VERSION;
    buffer[1] = this.#type;
    buffer[2] = this.level;
    buffer.writeUInt16LE(this.count, 3);
    const bytes = new Uint8Array(buffer.subarray(0, this.#pos));
    this.#pos = HEADER;
    this.count = 0;
    return bytes;
  }
}

/** Refuses what no reader would take. */
export function assertItemSize(bytes: number): void {
  if (bytes > MAX_ITEM_BYTES) throw new PlaitError('unexpected', 'an entry is too long for the format');
}
