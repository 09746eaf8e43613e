/** Takes deltas in: finds the base's bytes here, decodes, hands on what has the bytes of its id. One for both engines. */
import { setImmediate } from 'node:timers/promises';
import type { Kind } from '../core/hash.ts';
import type { BasePiece, DeltaInput, ObjectRef } from './contract.ts';
import { checkDelta, type DeltaTarget, decodeDelta } from './delta.ts';
import { BYTES_IN_FLIGHT } from './work/limits.ts';
import { Slots } from './work/slots.ts';

/** Decoded at a time; the rest waits with its frames only. */
const IN_FLIGHT = 8;
/** Base pieces read between two looks at the rest of the world: each may lie in a block of its own. */
const SLICE = 8;

export type Decode = (
  frame: Uint8Array,
  dictionary: Uint8Array,
  targets: DeltaTarget[],
) => (Uint8Array | undefined)[] | Promise<(Uint8Array | undefined)[]>;

export interface DeltaHome {
  /** One byte per id (n x 32 raw bytes), 1 = here. */
  has(kind: Kind, ids: Uint8Array): Uint8Array;
  /** Verified bytes, undefined where they are not here or cannot be read. */
  read(kind: Kind, id: Uint8Array): Uint8Array | undefined;
  /** Keeps objects whose hash is right, all in one go. */
  keep(kind: Kind, objects: { id: Uint8Array; bytes: Uint8Array }[]): void;
}

export class DeltaIntake {
  readonly #home: DeltaHome;
  readonly #decode: Decode;
  readonly #slots = new Slots(IN_FLIGHT, BYTES_IN_FLIGHT);

  constructor(home: DeltaHome, decode: Decode = decodeDelta) {
    this.#home = home;
    this.#decode = decode;
  }

  /** Answers with the targets that are not here afterwards. Throws `protocol`. */
  async add(delta: DeltaInput): Promise<ObjectRef[]> {
    const { base, raw } = checkDelta(delta);
    // A part that is repeated brings what is here already.
    if (this.#lacking(delta).length === 0) return [];
    return this.#slots.run(base + 2 * raw, async () => {
      const dictionary = await this.#dictionary(delta.base, base);
      if (dictionary) await this.#decodeAll(delta, dictionary);
      return this.#lacking(delta);
    });
  }

  async #decodeAll({ kind, targets, frame }: DeltaInput, dictionary: Uint8Array): Promise<void> {
    const decoded = await this.#decode(
      frame,
      dictionary,
      targets.map((target) => ({ kind, ...target })),
    );
    const held = this.#held(kind, targets);
    const objects: { id: Uint8Array; bytes: Uint8Array }[] = [];
    targets.forEach(({ id }, n) => {
      const bytes = decoded[n];
      if (bytes && held[n] === 0) objects.push({ id, bytes });
    });
    this.#home.keep(kind, objects);
  }

  #held(kind: Kind, targets: DeltaInput['targets']): Uint8Array {
    return this.#home.has(kind, Buffer.concat(targets.map(({ id }) => id)));
  }

  #lacking({ kind, targets }: DeltaInput): ObjectRef[] {
    const held = this.#held(kind, targets);
    return targets.filter((_, n) => held[n] === 0).map(({ id }) => ({ kind, id: Uint8Array.from(id) }));
  }

  /** Undefined where a piece is not here, or is shorter than it should be. */
  async #dictionary(pieces: BasePiece[], length: number): Promise<Uint8Array | undefined> {
    const dictionary = Buffer.allocUnsafe(length);
    let at = 0;
    for (const [n, { kind, id, start, length: bytes }] of pieces.entries()) {
      if (n % SLICE === SLICE - 1) await setImmediate();
      const found = this.#home.read(kind, id);
      if (!found || start + bytes > found.length) return undefined;
      dictionary.set(found.subarray(start, start + bytes), at);
      at += bytes;
    }
    return dictionary;
  }
}
