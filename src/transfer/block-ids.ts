/** What blocks of our own say of themselves (docs/protocol.md, "Blocks"); those of a peer are the engine's to check. */

const ID_BYTES = 32;
const KIND_AT = 5;
const COUNT_AT = 8;
const TABLE_AT = 24;
const ROW_BYTES = 4 + ID_BYTES;

export const kindOf = (block: Uint8Array): number => block[KIND_AT];

/** Of its objects, in order; views. */
export function idsOf(block: Uint8Array): Uint8Array[] {
  const count = new DataView(block.buffer, block.byteOffset).getUint32(COUNT_AT, true);
  return Array.from({ length: count }, (_, n) => {
    const at = TABLE_AT + n * ROW_BYTES + 4;
    return block.subarray(at, at + ID_BYTES);
  });
}
