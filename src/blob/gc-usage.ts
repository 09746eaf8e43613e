/** How much of each pack is needed: one pass over the index in key order, a page at a time. */
import type { DatabaseSync } from 'node:sqlite';
import type { Kind } from '../core/hash.ts';
import type { VolsetId } from '../core/ids.ts';
import { PACK_TARGET } from './format.ts';
import type { LiveObjects } from './gc-live.ts';
import type { IndexDb } from './index-db.ts';

const PAGE = 4096;
/** Packs below this are small: where there are several of a volset, they become one. */
const SMALL = PACK_TARGET / 4;
const SEVERAL = 4;

export interface PackUse {
  volset: VolsetId;
  pack: string;
  bytes: number;
  /** Of all objects that lie in it, and of those that are needed. */
  raw: number;
  liveRaw: number;
  /** Rows of the index that are not needed. */
  dead: number;
  /** Rows that are, borrowed ones too. */
  live: number;
}

export interface Plan {
  /** Nothing in them is needed. */
  remove: PackUse[];
  /** Some of their objects go; their files stay. */
  trim: PackUse[];
  /** Written anew, by volset. */
  rewrite: Map<VolsetId, PackUse[]>;
}

/** Yields after each page. Packs that come meanwhile are not looked at. */
export function* measure(index: IndexDb, live: LiveObjects): Generator<void, PackUse[]> {
  const packs = index.read(packUses);
  const volsets = index.read(volsetNames);
  for (let after: PageRow = [-1, 0, new Uint8Array(), 0, 0]; ; ) {
    const rows = index.read((db) => page(db, after));
    for (const row of rows) count(row, packs, volsets, index, live);
    const last = rows.at(-1);
    if (!last || rows.length < PAGE) return [...packs.values()];
    after = last;
    yield;
  }
}

type PageRow = [volset: number, kind: number, id: Uint8Array, pack: number, length: number];

function page(db: DatabaseSync, [volset, kind, id]: PageRow): PageRow[] {
  const statement = db.prepare(`SELECT volset, kind, id, pack, length FROM objects WHERE (volset, kind, id) > (?, ?, ?)
    ORDER BY volset, kind, id LIMIT ${PAGE}`);
  statement.setReturnArrays(true);
  return statement.all(volset, kind, id) as unknown as PageRow[];
}

function packUses(db: DatabaseSync): Map<number, PackUse> {
  const sql = 'SELECT p.n, v.id AS volset, p.id AS pack, bytes, raw FROM packs p JOIN volsets v ON v.n = p.volset';
  const uses = new Map<number, PackUse>();
  for (const row of db.prepare(sql).all()) {
    const { n, ...facts } = row as unknown as { n: number } & Pick<PackUse, 'volset' | 'pack' | 'bytes' | 'raw'>;
    uses.set(n, { ...facts, liveRaw: 0, dead: 0, live: 0 });
  }
  return uses;
}

const volsetNames = (db: DatabaseSync): Map<number, VolsetId> =>
  new Map(
    db
      .prepare('SELECT n, id FROM volsets')
      .all()
      .map(({ n, id }) => [Number(n), id as VolsetId]),
  );

function count(
  [number, kind, id, pack, length]: PageRow,
  packs: Map<number, PackUse>,
  volsets: Map<number, VolsetId>,
  index: IndexDb,
  live: LiveObjects,
): void {
  const use = packs.get(pack);
  const volset = volsets.get(number);
  if (!use || !volset) return;
  if (!live.isLive(volset, kind as Kind, id)) {
    use.dead++;
    return;
  }
  use.live++;
  if (volset === use.volset || !countedWithOwner(use, kind as Kind, id, index, live)) use.liveRaw += length;
}

/** A borrowed object that its owner needs as well takes no more room for it. */
function countedWithOwner({ volset, pack }: PackUse, kind: Kind, id: Uint8Array, index: IndexDb, live: LiveObjects) {
  return live.isLive(volset, kind, id) && index.find(volset, kind, id)?.place.pack === pack;
}

/** @param wasteOf share of a pack of that volset, 0..1, above which it is written anew */
export function planOf(
  uses: PackUse[],
  skipped: ReadonlyMap<VolsetId, string>,
  wasteOf: (volset: VolsetId) => number,
): Plan {
  const plan: Plan = { remove: [], trim: [], rewrite: new Map() };
  const kept = new Map<VolsetId, PackUse[]>();
  for (const use of uses) {
    if (skipped.has(use.volset)) continue;
    if (use.live === 0) plan.remove.push(use);
    else kept.set(use.volset, [...(kept.get(use.volset) ?? []), use]);
  }
  for (const [volset, packs] of kept) {
    const small = packs.filter((use) => sizeThen(use) < SMALL);
    const merged = new Set(small.length >= SEVERAL ? small : []);
    const waste = wasteOf(volset);
    const rewrite = packs.filter((use) => merged.has(use) || use.liveRaw < use.raw * (1 - waste));
    if (rewrite.length > 0) plan.rewrite.set(volset, rewrite);
    const written = new Set(rewrite);
    plan.trim.push(...packs.filter((use) => use.dead > 0 && !written.has(use)));
  }
  return plan;
}

/** About what is left of a pack without its garbage. */
export const sizeThen = ({ bytes, raw, liveRaw }: PackUse): number => bytes * Math.min(1, liveRaw / Math.max(1, raw));
