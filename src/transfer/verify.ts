/** Shows that a received snapshot is whole: its manifest canonical, every node and chunk here. */
import { setImmediate } from 'node:timers/promises';
import type { BlobReceiver } from '../blob/contract.ts';
import type { Manifest } from '../blob/manifest/contract.ts';
import { PlaitError } from '../core/errors.ts';
import { KIND, type Kind } from '../core/hash.ts';
import type { NodeId, SnapshotId } from '../core/ids.ts';
import { MAX_HAVE_IDS } from '../wire/limits.ts';

export interface VerifyContext {
  receiver: BlobReceiver;
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
  root: NodeId,
  trusted: NodeId[],
): Promise<number> {
  const { receiver, manifest, signal } = context;
  try {
    // First the form, which bounds depth and size of what is walked next.
    await inSlices(manifest.checkSteps(receiver.nodes, root, trusted), signal);
    return await checkPresent(context, manifest.reachable(receiver.nodes, root, trusted));
  } catch (error) {
    if (!(error instanceof PlaitError) || (error.code !== 'blob-absent' && error.code !== 'integrity')) throw error;
    const what = error.code === 'blob-absent' ? 'a part of it was not sent' : error.message;
    throw new PlaitError('integrity', `snapshot ${id.slice(0, 12)} was refused: ${what}`, { cause: error });
  }
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
  ids: Iterable<{ kind: 0 | 1; id: Uint8Array }>,
): Promise<number> {
  const batches = [new Batch(receiver, KIND.chunk), new Batch(receiver, KIND.node)];
  let walked = 0;
  for (const { kind, id } of ids) {
    batches[kind].add(id);
    if (++walked % MAX_HAVE_IDS === 0) {
      await setImmediate();
      signal?.throwIfAborted();
    }
  }
  for (const batch of batches) batch.flush();
  return batches[KIND.chunk].total;
}

class Batch {
  readonly #receiver: BlobReceiver;
  readonly #kind: Kind;
  readonly #ids = Buffer.allocUnsafe(MAX_HAVE_IDS * 32);
  #count = 0;
  total = 0;

  constructor(receiver: BlobReceiver, kind: Kind) {
    this.#receiver = receiver;
    this.#kind = kind;
  }

  add(id: Uint8Array): void {
    this.#ids.set(id, this.#count++ * 32);
    this.total++;
    if (this.#count === MAX_HAVE_IDS) this.flush();
  }

  flush(): void {
    const held = this.#receiver.has(this.#kind, this.#ids.subarray(0, this.#count * 32));
    const missing = held.indexOf(0);
    if (missing >= 0) throw new PlaitError('blob-absent', 'an object is missing');
    this.#count = 0;
  }
}
