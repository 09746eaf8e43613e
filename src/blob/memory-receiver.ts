/** Uploads of the memory engine: what a receiver leaves when it is suspended waits for the next one of its id. */
import { PlaitError } from '../core/errors.ts';
import { KIND, type Kind, objectKey, unhex } from '../core/hash.ts';
import { idAt, objectAt, openBlock, verifyObjects } from './block.ts';
import type { BlobReceiver, Commit, DeltaInput, NodeSource, ObjectRef, WriteStats } from './contract.ts';
import { DeltaIntake } from './delta-intake.ts';
import { BLOCK_MAX_BYTES, ID_BYTES } from './format.ts';
import { type Held, hasMany, lengthsOf, type Objects } from './memory-objects.ts';
import type { Publish } from './memory-sessions.ts';
import { absent } from './object-reader.ts';
import { beingReceived, checkBelongs, checkUploadId } from './quarantine.ts';
import { isOwnKind, strayObjects } from './received.ts';
import { checkOwner, type UploadOwner } from './upload-owner.ts';

interface MemoryUpload {
  whose: UploadOwner;
  objects: Objects;
  living: boolean;
  /** Orders those that were suspended. */
  turn: number;
  remove(): void;
}

export class MemoryUploads {
  readonly #uploads = new Map<string, MemoryUpload>();
  #turn = 0;

  take(id: string, whose: UploadOwner): MemoryUpload {
    checkUploadId(id);
    checkOwner(whose.owner);
    const known = this.#uploads.get(id);
    if (known?.living) throw beingReceived();
    if (known) checkBelongs(known.whose, whose);
    const objects: Objects = known?.objects ?? new Map();
    const upload = { whose, objects, living: true, turn: ++this.#turn, remove: () => this.#uploads.delete(id) };
    this.#uploads.set(id, upload);
    return upload;
  }

  unfinished({ volset, owner }: UploadOwner): string[] {
    return [...this.#uploads]
      .filter(([, { living, whose }]) => !living && whose.volset === volset && whose.owner === owner)
      .sort(([, a], [, b]) => b.turn - a.turn)
      .map(([id]) => id);
  }

  bytes(owner?: string): number {
    let sum = 0;
    for (const { whose, objects } of this.#uploads.values())
      if (owner === undefined || whose.owner === owner) sum += bytesOf(objects);
    return sum;
  }
}

function bytesOf(objects: Objects): number {
  let sum = 0;
  for (const { bytes } of objects.values()) sum += bytes.length;
  return sum;
}

export class MemoryReceiver implements BlobReceiver {
  readonly nodes: NodeSource;
  readonly #present: Objects;
  readonly #upload: MemoryUpload;
  readonly #added: Objects;
  readonly #marked = new Set<string>();
  readonly #accepted = new Set<string>();
  readonly #publish: Publish;
  readonly #stats: WriteStats = { newChunks: 0, addedBytes: 0, storedBytes: 0 };
  readonly #deltas: DeltaIntake;
  #closed = false;

  constructor(present: Objects, upload: MemoryUpload, publish: Publish) {
    this.#present = present;
    this.#upload = upload;
    this.#added = upload.objects;
    this.#publish = publish;
    const find = (key: string): Held | undefined => this.#added.get(key) ?? this.#present.get(key);
    this.nodes = {
      readNode: (id) => {
        const held = find(KIND.node + id);
        if (!held) throw absent(KIND.node, unhex(id));
        return held.bytes;
      },
    };
    this.#deltas = new DeltaIntake({
      has: (kind, ids) => this.has(kind, ids),
      read: (kind, id) => find(objectKey(kind, id))?.bytes,
      keep: (kind, objects) => {
        this.#checkOpen();
        for (const { id, bytes } of objects)
          this.#added.set(objectKey(kind, id), { kind, bytes: Uint8Array.from(bytes) });
      },
    });
  }

  get bytes(): number {
    return bytesOf(this.#added);
  }

  async addBlock(bytes: Uint8Array): Promise<void> {
    this.#checkOpen();
    if (bytes.length > BLOCK_MAX_BYTES)
      throw new PlaitError('protocol', `A block of ${bytes.length} bytes is too long.`);
    const block = openBlock(bytes);
    if (isOwnKind(block.kind)) throw strayObjects();
    verifyObjects(block);
    for (let n = 0; n < block.count; n++) {
      const key = objectKey(block.kind, idAt(block, n));
      if (this.#present.has(key) || this.#added.has(key)) continue;
      this.#added.set(key, { kind: block.kind, bytes: Uint8Array.from(objectAt(block, n)) });
    }
  }

  async addDelta(delta: DeltaInput): Promise<ObjectRef[]> {
    this.#checkOpen();
    return this.#deltas.add(delta);
  }

  async sync(): Promise<void> {
    this.#checkOpen();
  }

  heldIds(kind: Kind): Iterable<Uint8Array> {
    const keys = [...this.#added].filter(([, held]) => held.kind === kind).map(([key]) => key);
    return keys.map((key) => unhex(key.slice(1)));
  }

  has(kind: Kind, ids: Uint8Array): Uint8Array {
    return hasMany([this.#present, this.#added], kind, ids);
  }

  need(kind: Kind, ids: Uint8Array): Uint32Array {
    for (let at = 0; at < ids.length; at += ID_BYTES)
      this.#marked.add(objectKey(kind, ids.subarray(at, at + ID_BYTES)));
    return lengthsOf([this.#present, this.#added], kind, ids);
  }

  accept(): void {
    for (const key of this.#marked) this.#accepted.add(key);
    this.#marked.clear();
  }

  async publish(commit?: Commit): Promise<WriteStats> {
    this.#checkOpen();
    const kept: Objects = new Map();
    const relied = [...this.#accepted].filter((key) => this.#present.has(key) || this.#added.has(key));
    for (const key of this.#accepted) {
      const held = this.#added.get(key);
      if (!held || this.#present.has(key)) continue;
      kept.set(key, held);
      this.#stats.storedBytes += held.bytes.length;
      if (held.kind !== KIND.chunk) continue;
      this.#stats.newChunks++;
      this.#stats.addedBytes += held.bytes.length;
    }
    this.#accepted.clear();
    const keys = [...kept.keys()];
    try {
      await this.#publish(kept, relied, commit);
    } finally {
      // Here until they are there.
      for (const key of keys) if (this.#present.has(key)) this.#added.delete(key);
    }
    return { ...this.#stats };
  }

  #checkOpen(): void {
    if (this.#closed) throw new PlaitError('unexpected', 'This upload has been closed.');
  }

  async suspend(): Promise<void> {
    this.#checkOpen();
    this.#closed = true;
    this.#upload.living = false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#upload.remove();
  }
}
