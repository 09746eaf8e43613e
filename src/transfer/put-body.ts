import type { BlobStore } from '../blob/contract.ts';
import { KIND } from '../core/hash.ts';
import type { VolsetId } from '../core/ids.ts';

/** For a stream whose sender did not hold the body as an object: packs hold every body, so that metadata can be rebuilt. */
export async function putBody(blob: BlobStore, volset: VolsetId, bytes: Uint8Array): Promise<void> {
  await using writer = blob.writer(volset);
  writer.putObject(KIND.snapshot, bytes);
  await writer.finish();
}
