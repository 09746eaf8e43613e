/**
 * Which blocks carry the wanted objects to a peer. A block goes as it lies in its pack if at least half of its bytes
 * is wanted; otherwise its wanted objects are grouped into new blocks. Memory: one batch of refs and one block a kind.
 */
import type { VolsetId } from '../core/ids.ts';
import type { Share } from '../core/peer.ts';
import { parseFixed } from './block.ts';
import { BlockGroups } from './block-groups.ts';
import type { ObjectRef } from './contract.ts';
import type { IndexDb, Location } from './index-db.ts';
import { absent, type ObjectReader } from './object-reader.ts';

const BATCH = 16_384;
/** Blocks remembered as sent whole, so that the next batch does not send them again. */
const REMEMBERED = 65_536;

interface Group {
  location: Location;
  refs: ObjectRef[];
  bytes: number;
}

export async function* sendBlocks(
  index: IndexDb,
  reader: ObjectReader,
  volset: VolsetId,
  wanted: Iterable<ObjectRef>,
  share?: Share,
): AsyncGenerator<Uint8Array> {
  const groups = new BlockGroups();
  const sent = new Set<string>();
  for (const refs of batches(wanted)) {
    for (const [key, group] of groupsOf(index, volset, refs)) {
      if (sent.has(key) || !fallsTo(share, group.location)) continue;
      const block = wholeIfWorth(reader, volset, group);
      if (block) {
        remember(sent, key);
        yield block;
      } else {
        for (const { kind, id } of group.refs) yield* groups.add(kind, id, reader.read(volset, kind, id));
      }
    }
  }
  yield* groups.rest();
}

/** Blocks are dealt out by where they lie, a run of them at a time, so that one share reads on in one pack. */
const DEALT = 8 * 1024 * 1024;

function fallsTo(share: Share | undefined, { place, block }: Location): boolean {
  if (!share || share.of <= 1) return true;
  // Any digits of the pack's name; without them the first blocks of all packs, often the only ones, fall to one share.
  const first = Number.parseInt(place.pack.slice(0, 8), 16);
  return (first + Math.floor(block / DEALT)) % share.of === share.index;
}

function* batches(wanted: Iterable<ObjectRef>): Generator<ObjectRef[]> {
  let batch: ObjectRef[] = [];
  for (const ref of wanted) {
    batch.push(ref);
    if (batch.length < BATCH) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/** By block, in the order of packs and of blocks in them. */
function groupsOf(index: IndexDb, volset: VolsetId, refs: ObjectRef[]): [string, Group][] {
  const groups = new Map<string, Group>();
  for (const ref of refs) {
    const location = index.find(volset, ref.kind, ref.id);
    if (!location) throw absent(ref.kind, ref.id);
    const key = `${location.place.volset}${location.place.pack}:${location.block}`;
    const group = groups.get(key) ?? { location, refs: [], bytes: 0 };
    groups.set(key, group);
    group.refs.push(ref);
    group.bytes += location.length;
  }
  const order = new Map<string, number>();
  for (const { location } of groups.values())
    if (!order.has(location.place.pack)) order.set(location.place.pack, order.size);
  const packOf = (group: Group): number => order.get(group.location.place.pack) ?? 0;
  return [...groups].sort(([, a], [, b]) => packOf(a) - packOf(b) || a.location.block - b.location.block);
}

/** A block of another volset's pack never goes whole: its other objects are not this volset's to give. */
function wholeIfWorth(reader: ObjectReader, volset: VolsetId, { location, bytes }: Group): Uint8Array | undefined {
  if (location.place.volset !== volset) return undefined;
  const block = unlessGone(() => reader.encodedBlock(location));
  return block && bytes * 2 >= parseFixed(block).rawLength ? block : undefined;
}

/** gc took its pack away since it was looked up: its objects are looked up again, one by one. */
function unlessGone<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function remember(sent: Set<string>, key: string): void {
  sent.add(key);
  for (const first of sent) {
    if (sent.size <= REMEMBERED) return;
    sent.delete(first);
  }
}
