/**
 * Takes a blob diff in, whole or one part of an upload. Nothing of the stream is believed: blocks are verified by the
 * engine, each snapshot's body, manifest and chunks here, before it is published. On failure, snapshots that were whole
 * stay; what becomes of the rest is for whoever owns the receiver.
 */
import type { ObjectRef, WriteStats } from '../blob/contract.ts';
import type { Manifest } from '../blob/manifest/contract.ts';
import { collected } from '../core/collected.ts';
import { PlaitError } from '../core/errors.ts';
import { KIND, snapshotId, unhex } from '../core/hash.ts';
import type { NodeId, SnapshotId, VolsetId } from '../core/ids.ts';
import type { SnapshotBody } from '../core/records.ts';
import { decodeSnapshotBody } from '../core/snapshot-body.ts';
import { MAX_PART_TARGETS } from '../wire/limits.ts';
import { type DiffEvent, readBlobDiff } from './blob-diff.ts';
import { bad, type DiffHeader, type DiffLimits, TRANSFER_LIMITS } from './diff-format.ts';
import { Intake, type IntakeBudget } from './intake.ts';
import { DeltaIntake } from './receive-deltas.ts';
import type { TransferStep } from './send.ts';
import type { Receiving, Turns } from './shared-receiver.ts';
import { isMissing, verifyComplete } from './verify.ts';

export interface ReceiveOptions {
  receiver: Receiving;
  manifest: Manifest;
  volset: VolsetId;
  /** Snapshots that may come: those offered or asked for. Undefined: whatever the header lists (import). */
  expected?: ReadonlySet<SnapshotId>;
  /** Take a part of an upload as well as a whole stream. */
  parts?: boolean;
  onHeader?: (header: DiffHeader) => void;
  /** Root of a snapshot whose blob is complete here, else undefined. */
  completeRoot: (id: SnapshotId) => Promise<NodeId | undefined>;
  /** Makes them visible; called inside the receiver's publish, several times for a long stream. */
  commit: (snapshots: SnapshotId[]) => void | Promise<void>;
  /** Of each publish, after it: what it added. */
  onPublished?: (stats: WriteStats) => Promise<void>;
  /** Stores a body that the stream's blocks did not hold. */
  putBody: (bytes: Uint8Array) => Promise<void>;
  /** Of a receiver that several streams share: markers are checked and published by one of them at a time. */
  alone?: Turns;
  budget?: IntakeBudget;
  /** Targets of deltas that could not be decoded; without it there may be no deltas. */
  onLacking?: (refs: ObjectRef[]) => void;
  /** Targets of deltas that were decoded. */
  onDecoded?: (targets: number) => void;
  /** A marker came before all that its snapshot needs. Without it that ends the stream. */
  onIncomplete?: (id: SnapshotId, error: PlaitError) => void;
  /** Awaited before the first marker is looked at, once; the markers of a stream that waits are kept until its end. */
  before?: Promise<void>;
  signal?: AbortSignal;
  onProgress?: (step: TransferStep) => void;
  /** Bundles only. */
  onGenerations?: (lines: Uint8Array) => Promise<void>;
  onRefs?: (json: Uint8Array) => Promise<void>;
}

export interface Received {
  /** Complete now, in the order of the stream. */
  snapshots: SnapshotId[];
  /** Chunks that they refer to and their bases do not. */
  chunks: number;
  /** Encoded bytes of blocks. */
  bytes: number;
}

/** A publish costs several fsyncs: one per so many bytes, and one at the end. */
const PUBLISH_EVERY = 64 * 1024 * 1024;

/** @throws `protocol`, `format`, `integrity`, `quota`; errors of the body. `data.published` lists what stayed. */
export function receiveBlobDiff(
  options: ReceiveOptions,
  body: AsyncIterable<Uint8Array>,
  limits: DiffLimits = TRANSFER_LIMITS,
): Promise<Received> {
  return receiveEvents(options, readBlobDiff(body, limits));
}

/** The same for a stream whose header the caller has looked at already. */
export async function receiveEvents(options: ReceiveOptions, events: AsyncIterable<DiffEvent>): Promise<Received> {
  const session = new ReceiveSession(options);
  try {
    await session.run(events);
  } catch (error) {
    throw await session.fail(error);
  }
  return session.received;
}

class ReceiveSession {
  readonly received: Received = { snapshots: [], chunks: 0, bytes: 0 };
  readonly #options: ReceiveOptions;
  readonly #intake: Intake;
  readonly #deltas: DeltaIntake;
  readonly #bases = new Map<SnapshotId, SnapshotId | null>();
  /** Roots verified in this stream. */
  readonly #verified = new Map<SnapshotId, NodeId>();
  #latest: SnapshotId | undefined;
  /** Complete when they were looked at, and not looked through: what comes is whole only if they still are. */
  readonly #relied = new Set<SnapshotId>();
  /** Markers that wait for another stream. */
  readonly #waiting: { id: SnapshotId; bytes: Uint8Array }[] = [];
  #pending: { id: SnapshotId; bytes: Uint8Array; held: boolean }[] = [];
  #unpublished = 0;
  #publishing = false;
  #leave: (() => void) | undefined;

  constructor(options: ReceiveOptions) {
    this.#options = options;
    this.#intake = new Intake(options.budget);
    const { receiver, manifest, onLacking = () => undefined, onDecoded, parts } = options;
    const maxTargets = parts ? MAX_PART_TARGETS : Number.POSITIVE_INFINITY;
    this.#deltas = new DeltaIntake({ receiver, manifest, intake: this.#intake, onLacking, onDecoded, maxTargets });
  }

  async run(events: AsyncIterable<DiffEvent>): Promise<void> {
    for await (const event of events) {
      this.#options.signal?.throwIfAborted();
      await this.#take(event);
    }
  }

  async #take(event: DiffEvent): Promise<void> {
    const { onGenerations, onRefs, onLacking } = this.#options;
    if (event.entry === 'header') this.#begin(event.header);
    else if (event.entry === 'block') await this.#addBlock(event.bytes);
    else if (event.entry === 'delta' && onLacking) await this.#addDeltas(event.bytes);
    else if (event.entry === 'snapshot') await this.#mark(event.id, event.bytes);
    else if (event.entry === 'trailer') await this.#end();
    else if (event.entry === 'generations' && onGenerations) await onGenerations(event.bytes);
    else if (event.entry === 'refs' && onRefs) {
      await this.#publish();
      await onRefs(event.bytes);
    } else throw bad('an entry that does not belong here');
  }

  /** What was whole is published even so, unless publishing is what failed; returns the error to throw. */
  async fail(error: unknown): Promise<unknown> {
    await this.#intake.settle();
    if (!this.#publishing && this.#pending.length > 0) await this.#publish().catch(() => undefined);
    this.#leave?.();
    if (!(error instanceof PlaitError) || this.received.snapshots.length === 0) return error;
    const { code, message, hint, data } = error;
    return new PlaitError(code, message, { hint, cause: error, data: { ...data, published: this.received.snapshots } });
  }

  #begin(header: DiffHeader): void {
    const { volset, expected, onGenerations, parts, onHeader } = this.#options;
    if (header.volset !== volset) throw bad('it belongs to another volset');
    if (header.store !== undefined && !onGenerations) throw bad('it is a bundle');
    if (header.part && !parts) throw bad('it is only a part');
    const stray = expected && header.snapshots.find(({ id }) => !expected.has(id));
    if (stray) throw bad(`it brings snapshot ${stray.id.slice(0, 12)}, which nobody asked for`);
    for (const { id, base } of header.snapshots) this.#bases.set(id, base);
    onHeader?.(header);
  }

  async #addBlock(bytes: Uint8Array): Promise<void> {
    // The receiver takes the memory over, so that the length cannot be asked for afterwards.
    const size = bytes.byteLength;
    await this.#intake.add(size, () => this.#options.receiver.addBlock(bytes));
    this.#came(size);
  }

  async #addDeltas(bytes: Uint8Array): Promise<void> {
    const size = bytes.byteLength;
    await this.#deltas.add(bytes);
    this.#came(size);
  }

  #came(bytes: number): void {
    this.received.bytes += bytes;
    this.#unpublished += bytes;
    this.#options.onProgress?.({ bytes });
  }

  async #mark(id: SnapshotId, bytes: Uint8Array): Promise<void> {
    if (snapshotId(bytes) !== id)
      throw bad(`the body of snapshot ${id.slice(0, 12)} is not the one of its id`, 'integrity');
    if (this.#options.before) this.#waiting.push({ id, bytes });
    else await this.#addSnapshot(id, bytes);
  }

  async #end(): Promise<void> {
    await this.#intake.drain();
    await this.#options.before;
    for (const { id, bytes } of this.#waiting) await this.#addSnapshot(id, bytes);
    await this.#publish();
    this.#leave?.();
  }

  async #addSnapshot(id: SnapshotId, bytes: Uint8Array): Promise<void> {
    const { volset, completeRoot, onProgress, alone } = this.#options;
    const body = decodeSnapshotBody(bytes, volset);
    await this.#intake.drain();
    if (alone) this.#leave ??= await alone.take();
    // A part that is repeated, or another upload was faster.
    const held = (await completeRoot(id)) !== undefined;
    const chunks = held ? 0 : await this.#verify(id, body);
    if (chunks === undefined) return;
    if (held) this.#relied.add(id);
    this.received.chunks += chunks;
    onProgress?.({ items: 1, chunks });
    this.#verified.set(id, body.root);
    this.#latest = id;
    this.#pending.push({ id, bytes, held });
    if (this.#unpublished >= PUBLISH_EVERY) await this.#publish();
  }

  /** Chunks that it newly refers to; undefined when it is not all there yet. */
  async #verify(id: SnapshotId, body: SnapshotBody): Promise<number | undefined> {
    const { receiver, manifest, signal, onIncomplete } = this.#options;
    try {
      return await verifyComplete({ receiver, manifest, signal }, id, body, await this.#trusted(id, body));
    } catch (error) {
      if (!onIncomplete || !isMissing(error)) throw error;
      onIncomplete(id, error);
      return undefined;
    }
  }

  /** Complete roots that probably share much with it: its base, its parents, the snapshot before. */
  async #trusted(id: SnapshotId, body: SnapshotBody): Promise<NodeId[]> {
    const roots = new Set<NodeId>();
    const trust = (on: SnapshotId, root: NodeId | undefined): void => {
      if (root === undefined) return;
      roots.add(root);
      this.#relied.add(on);
    };
    const base = this.#bases.get(id);
    if (base) trust(base, this.#verified.get(base) ?? (await this.#options.completeRoot(base)));
    const near = [...body.parents.slice(0, 4), ...(this.#latest === undefined ? [] : [this.#latest])];
    for (const other of near) trust(other, this.#verified.get(other));
    return [...roots];
  }

  async #publish(): Promise<void> {
    const { receiver, commit } = this.#options;
    const batch = this.#pending;
    if (batch.length === 0) return;
    const ids = batch.map(({ id }) => id);
    this.#publishing = true;
    await this.#putBodies(batch);
    const own = new Set(batch.filter(({ held }) => !held).map(({ id }) => id));
    const relied = [...this.#relied].filter((id) => !own.has(id));
    const stats = await receiver.publish(async () => {
      await this.#stillComplete(relied);
      await commit(ids);
    });
    await this.#options.onPublished?.(stats);
    this.#publishing = false;
    this.#pending = [];
    this.#relied.clear();
    this.#unpublished = 0;
    this.received.snapshots.push(...ids);
  }

  /** Under the lock that gc takes for each step: what is complete here now keeps all that it needs. */
  async #stillComplete(ids: SnapshotId[]): Promise<void> {
    for (const id of ids) {
      if ((await this.#options.completeRoot(id)) === undefined) throw collected({ missing: [], snapshot: id });
    }
  }

  async #putBodies(batch: { id: SnapshotId; bytes: Uint8Array }[]): Promise<void> {
    const { receiver, putBody } = this.#options;
    const held = receiver.has(KIND.snapshot, Buffer.concat(batch.map(({ id }) => unhex(id))));
    for (const [i, { bytes }] of batch.entries()) if (held[i] !== 1) await putBody(bytes);
    // No snapshot names it until the commit, which fails if gc takes it until then.
    receiver.need(KIND.snapshot, Buffer.concat(batch.map(({ id }) => unhex(id))));
    receiver.accept();
  }
}
