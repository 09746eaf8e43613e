/**
 * The node format and where nodes end (docs/design.md, "Manifest"). A change here changes every root id: raise VERSION.
 *
 * Node: version u8, type u8, level u8, item count u16 little-endian, items. Keys are prefix-compressed against the item
 * before. Boundaries depend on the items of the node alone, so a node is closed or not whatever follows it.
 */
import { PlaitError } from '../../core/errors.ts';

export const VERSION = 1;
export const TYPE = { leaf: 0, inner: 1, listLeaf: 2, listInner: 3 } as const;
export type NodeType = (typeof TYPE)[keyof typeof TYPE];
export const HEADER = 5;

/**
 * An item whose hash has its low 7 bits clear ends a node: 128 items on average beyond the minimum, about 15 KiB of
 * entries, so that one changed file costs about 15 KiB a level. The minimum bounds the depth even where somebody
 * chose names or chunks to end a node at every item; the maximum bounds a node where somebody chose them never to.
 */
const MASK = 127;
export const MIN_ITEMS = 16;
export const MAX_ITEMS = 1024;
/** A node that has reached this many encoded bytes ends. With MAX_ITEM_BYTES it stays below MAX_NODE. */
export const FULL_NODE = 524_288;
/** Largest item: an entry of 64 KiB, a path of 4 KiB, the lengths. */
export const MAX_ITEM_BYTES = 65_536 + 4096 + 64;
export const MAX_NODE = 1_048_576;
/** 16^12 items: no tree that can be written is higher. */
export const MAX_LEVEL = 12;

/** Well mixed 32 bits of a key: FNV-1a over its bytes, seeded by the level, with murmur3's finisher. */
export function keyHash(level: number, key: string): number {
  let h = (0x811c9dc5 ^ Math.imul(level, 0x9e3779b1)) | 0;
  for (let i = 0; i < key.length; i++) h = Math.imul(h ^ key.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** Whether a node ends behind its `count`-th item, by the item's hash and the node's encoded bytes so far. */
export const endsNode = (hash: number, count: number, size: number): boolean =>
  count >= MAX_ITEMS || size >= FULL_NODE || (count >= MIN_ITEMS && (hash & MASK) === 0);

/** A hash that ends no node. */
export const NO_BOUNDARY = 1;

/** Hash of an item of a list: its id's first bytes, which are as good as random. Holes end no node. */
export const idHash = (id: Uint8Array | undefined): number => (id === undefined ? NO_BOUNDARY : id[0]);

export const unknownFormat = (what: string): PlaitError =>
  new PlaitError('format', `unknown ${what}`, { hint: 'a newer plait wrote this; upgrade plait' });
