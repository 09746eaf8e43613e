/** What the ingest pipeline (blob/work) needs of a session that stores: which objects are new, and where blocks go. */
import type { Kind } from '../core/hash.ts';

export interface PackSink {
  /**
   * `ids` is n x 32 raw bytes; answers with one byte each: 1 = the caller must store it, 0 = it is here or on its way.
   * An id answered with 1 is taken as promised from then on: nobody else of this session is told to store it too, so
   * whoever claimed it must append it, or the session must fail.
   */
  claim(kind: Kind, ids: Uint8Array): Uint8Array;
  /** One encoded block (blob/block.ts), made by us: its header is read, its contents are not checked again. */
  append(block: Uint8Array): void;
}
