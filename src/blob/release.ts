/**
 * Gives the memory of large buffers back at once. The collector sees a block of 1 MiB as a small object, so that dead
 * ones pile up to hundreds of MiB, and then pays for it with full collections.
 */

/** Smaller ones may lie in the pool that Buffer.allocUnsafe and zlib cut pieces from, which is a little over its poolSize. */
export const LARGE = 2 * Buffer.poolSize;

/** For memory that its owner is sure nobody looks at again, views of it included. */
export function release(bytes: Uint8Array): void {
  const { buffer } = bytes;
  if (buffer instanceof ArrayBuffer && buffer.byteLength > LARGE) buffer.transfer(0);
}
