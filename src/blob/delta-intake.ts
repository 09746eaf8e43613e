/** Takes deltas in: finds the base's bytes here, decodes, hands on what has the bytes of its id. One for both engines. */
import { setImmediate } from 'node:timers/promises';
import { type Kind, objectKey } from '../core/hash.ts';
import type { BasePiece, DeltaInput, ObjectRef } from './contract.ts';
import { checkDelta, type DecodedFrame, decodeFrame, soundTargets } from './delta.ts';
import { release } from './release.ts';
import { BYTES_IN_FLIGHT } from './work/limits.ts';
import { Slots } from './work/slots.ts';

/** Under way at a time; the rest waits with its frames only. */
const IN_FLIGHT = 32;
/** Base pieces read here between two looks at the rest of the world: each may lie in a block of its own. */
const SLICE = 8;

export interface DeltaHome {
  /** One byte per id (n x 32 raw bytes), 1 = here. */
  has(kind: Kind, ids: Uint8Array): Uint8Array;
  /** Verified bytes, undefined where they are not here or cannot be read. */
  read(kind: Kind, id: Uint8Array): Uint8Array | undefined;
  /** Copies and keeps objects whose hash is right; they are here at once, whenever it resolves. */
  keep(kind: Kind, objects: { id: Uint8Array; bytes: Uint8Array }[]): void | Promise<void>;
  /** Decodes it elsewhere; undefined where it is to be done here, or the base has to be read here. Throws `protocol`. */
  decode?(delta: DeltaInput, bytes: number): Promise<DecodedFrame | undefined>;
}

type Targets = DeltaInput['targets'];

export class DeltaIntake {
  readonly #home: DeltaHome;
  readonly #slots = new Slots(IN_FLIGHT, BYTES_IN_FLIGHT);
  /** By kind and id: targets of deltas under way, on which later ones may build. */
  readonly #coming = new Map<string, Promise<unknown>>();

  constructor(home: DeltaHome) {
    this.#home = home;
  }

  /** Answers with the targets that are not here afterwards. Throws `protocol`. */
  async add(delta: DeltaInput): Promise<ObjectRef[]> {
    const { base, raw } = checkDelta(delta);
    const { kind, targets } = delta;
    // A part that is repeated brings what is here already.
    const missing = this.#missing(kind, targets);
    if (missing.length === 0) return [];
    const before = this.#awaited(delta.base);
    const done = (async () => {
      // Before it takes a place, or those it waits for might get none.
      if (before.length > 0) await Promise.allSettled(before);
      return await this.#slots.run(base + 2 * raw, () => this.#take(delta, base, raw));
    })();
    const keys = missing.map(({ id }) => objectKey(kind, id));
    for (const key of keys) this.#coming.set(key, done);
    try {
      return await done;
    } finally {
      for (const key of keys) if (this.#coming.get(key) === done) this.#coming.delete(key);
    }
  }

  /** What those of `pieces` that are still under way wait for. */
  #awaited(pieces: BasePiece[]): Promise<unknown>[] {
    if (this.#coming.size === 0) return [];
    const found = new Set<Promise<unknown>>();
    for (const { kind, id } of pieces) {
      const coming = this.#coming.get(objectKey(kind, id));
      if (coming) found.add(coming);
    }
    return [...found];
  }

  async #take(delta: DeltaInput, base: number, raw: number): Promise<ObjectRef[]> {
    const { kind, targets } = delta;
    const decoded = (await this.#home.decode?.(delta, base + 2 * raw)) ?? (await this.#decodeHere(delta, base));
    const held = this.#home.has(kind, idsOf(targets));
    const objects: { id: Uint8Array; bytes: Uint8Array }[] = [];
    const lacking: ObjectRef[] = [];
    const sound = decoded && soundTargets(withKind(kind, targets), decoded);
    for (const [n, { id }] of targets.entries()) {
      if (held[n] === 1) continue;
      const bytes = sound?.[n];
      if (bytes) objects.push({ id, bytes });
      else lacking.push({ kind, id: Uint8Array.from(id) });
    }
    const kept = objects.length > 0 ? this.#home.keep(kind, objects) : undefined;
    if (decoded?.raw) release(decoded.raw);
    await kept;
    return lacking;
  }

  async #decodeHere(delta: DeltaInput, base: number): Promise<DecodedFrame | undefined> {
    const dictionary = await this.#dictionary(delta.base, base);
    return dictionary && decodeFrame(delta.frame, dictionary, withKind(delta.kind, delta.targets));
  }

  #missing(kind: Kind, targets: Targets): Targets {
    const held = this.#home.has(kind, idsOf(targets));
    return targets.filter((_, n) => held[n] === 0);
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

const idsOf = (targets: Targets): Uint8Array => Buffer.concat(targets.map(({ id }) => id));
const withKind = (kind: Kind, targets: Targets) => targets.map(({ id, length }) => ({ kind, id, length }));
