/**
 * Shows that a received snapshot is whole: its manifest canonical, every node and chunk here and as long as the manifest
 * says, its totals those of its body. What it needs is marked for publishing on the way.
 */
import { setImmediate } from 'node:timers/promises';
import type { Manifest, Totals } from '../blob/manifest/contract.ts';
import { PlaitError } from '../core/errors.ts';
import { hex, KIND, type Kind, unhex } from '../core/hash.ts';
import type { NodeId, SnapshotId } from '../core/ids.ts';
import type { SnapshotBody } from '../core/records.ts';
import { MAX_HAVE_IDS } from '../wire/limits.ts';
import type { Receiving } from './shared-receiver.ts';

export interface VerifyContext {
  receiver: Receiving;
  manifest: Manifest;
  signal?: AbortSignal;
}

/**
 * @param trusted Roots known to be complete and canonical here; what they share is not walked again.
 * @returns chunks that it refers to and the trusted roots do not
 * @throws `integrity`, naming what is wrong
 */
export async function verifyComplete(
  context: VerifyContext,
  id: SnapshotId,
  body: SnapshotBody,
  trusted: NodeId[],
): Promise<number> {
  const { receiver, manifest, signal } = context;
  const { root } = body;
  try {
    // First the form, which bounds depth and size of what is walked next.
    await inSlices(manifest.checkSteps(receiver.nodes, root, trusted), signal);
    const chunks = await checkPresent(context, manifest.reachable(receiver.nodes, root, trusted));
    checkTotals(manifest.totals(receiver.nodes, root), body);
    receiver.need(KIND.snapshot, unhex(id));
    receiver.accept();
    return chunks;
  } catch (error) {
    if (!(error instanceof PlaitError) || (error.code !== 'blob-absent' && error.code !== 'integrity')) throw error;
    const { cause, what, hint, data } = faultOf(id, error);
    throw new PlaitError('integrity', `snapshot ${id.slice(0, 12)} was refused: ${what}`, { hint, cause, data });
  }
}

/** Only what the sender is to blame for counts against the snapshot. */
function faultOf(id: SnapshotId, cause: PlaitError) {
  const there = 'nothing of it was kept; look for the damage where it came from, with `plait verify --read-data` there';
  if (isDamageHere(cause)) return { cause, what: cause.message, hint: cause.hint, data: {} };
  if (cause.code === 'blob-absent') return { cause, what: 'a part of it was not sent', hint: there, data: {} };
  return { cause, what: cause.message, hint: there, data: { refused: id } };
}

/** Of a pack in this store, which is named. */
const isDamageHere = ({ code, data }: PlaitError): boolean => code === 'integrity' && data?.['pack'] !== undefined;

/** Nothing is wrong with what came: something is not here, or cannot be read any more. */
export const isMissing = (error: unknown): error is PlaitError =>
  error instanceof PlaitError &&
  error.cause instanceof PlaitError &&
  (error.cause.code === 'blob-absent' || isDamageHere(error.cause));

/** The tree's totals have been checked against its entries; `log` and limits believe the body's. */
function checkTotals({ files, bytes }: Totals, body: SnapshotBody): void {
  if (files === body.files && bytes === body.bytes) return;
  throw new PlaitError('integrity', 'its numbers of files and bytes are not those of its tree');
}

/** Nodes checked between two looks at the rest of the world. */
const SLICE = 64;

async function inSlices(steps: Iterator<void>, signal?: AbortSignal): Promise<void> {
  for (let n = 1; !steps.next().done; n++) {
    if (n % SLICE !== 0) continue;
    await setImmediate();
    signal?.throwIfAborted();
  }
}

async function checkPresent(
  { receiver, signal }: VerifyContext,
  ids: Iterable<{ kind: 0 | 1; id: Uint8Array; length?: number }>,
): Promise<number> {
  const batches = [new Batch(receiver, KIND.chunk), new Batch(receiver, KIND.node)];
  let walked = 0;
  for (const { kind, id, length } of ids) {
    batches[kind].add(id, length);
    if (++walked % MAX_HAVE_IDS === 0) {
      await setImmediate();
      signal?.throwIfAborted();
    }
  }
  for (const batch of batches) batch.flush();
  return batches[KIND.chunk].total;
}

class Batch {
  readonly #receiver: Receiving;
  readonly #kind: Kind;
  readonly #ids = Buffer.allocUnsafe(MAX_HAVE_IDS * 32);
  /** As the manifest claims them; 0 = it says nothing. */
  readonly #claimed = new Uint32Array(MAX_HAVE_IDS);
  #count = 0;
  total = 0;

  constructor(receiver: Receiving, kind: Kind) {
    this.#receiver = receiver;
    this.#kind = kind;
  }

  add(id: Uint8Array, length = 0): void {
    this.#claimed[this.#count] = length;
    this.#ids.set(id, this.#count++ * 32);
    this.total++;
    if (this.#count === MAX_HAVE_IDS) this.flush();
  }

  flush(): void {
    const lengths = this.#receiver.need(this.#kind, this.#ids.subarray(0, this.#count * 32));
    for (let n = 0; n < lengths.length; n++) {
      if (lengths[n] === 0) throw new PlaitError('blob-absent', 'an object is missing');
      const claimed = this.#claimed[n];
      if (claimed === 0 || claimed === lengths[n]) continue;
      const chunk = hex(this.#ids.subarray(n * 32, n * 32 + 12));
      throw new PlaitError('integrity', `a file says ${claimed} bytes of chunk ${chunk}, which has ${lengths[n]}`);
    }
    this.#count = 0;
  }
}
