/** Bytes that outlive the buffer they were seen in. */

/**
 * A copy with memory of its own. Never write `bytes.slice()` for this: where the bytes are a Buffer, which their type
 * does not tell, that is only another view of the same memory.
 */
export const copyOf = (bytes: Uint8Array): Uint8Array => Uint8Array.prototype.slice.call(bytes);
