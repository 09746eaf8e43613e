/** Who writes into a volset: whose generations arrived here, when, and what each is known to hold. */
import { canonicalText } from '../../core/canonical.ts';
import { PlaitError } from '../../core/errors.ts';
import { isStoreId, type StoreId, type VolsetId } from '../../core/ids.ts';
import type { Vector } from '../../core/records.ts';
import { checkVector } from '../../core/vector.ts';
import type { Member } from '../contract.ts';
import { readChains } from './chains.ts';
import { checkRow, rowSum } from './checksum.ts';
import { type Engine, findVolsetNumber, volsetNumber } from './engine.ts';

/** What a round tells of those who write. */
export interface Met {
  /** Who handed the round over, its label, and what it holds if it said so (`round.held ?? round.vector`). */
  peer: StoreId;
  label?: string;
  held?: Vector;
  /** Authors of the generations that were new to us; we ourselves among them are passed over. */
  stores: Iterable<StoreId>;
}

interface MemberRow {
  store: StoreId;
  label: string;
  last_seen: number;
  retired: number;
  held: string;
  sum: string;
}

/** A later time alone is written once a minute, as with peers. */
const STAMP_MS = 60_000;

/** Once a round, also if nothing in it was new. A retired one that is met again is active. Inside a write transaction. */
export function noteMembers(engine: Engine, n: number, { peer, label, held, stores }: Met): void {
  const met = new Set(stores);
  met.delete(engine.self.store);
  for (const store of met) if (store !== peer) note(engine, n, store, {});
  // Whoever only reads is no member.
  if (met.has(peer) || findMember(engine, n, peer)) note(engine, n, peer, { label, held: held && checkVector(held) });
}

function note(engine: Engine, n: number, store: StoreId, { label, held }: { label?: string; held?: Vector }): void {
  const old = findMember(engine, n, store);
  const now = engine.now();
  const known = old ? (JSON.parse(old.held) as Vector) : {};
  const row = {
    store,
    label: label ?? old?.label ?? '',
    last_seen: Math.max(now, old?.last_seen ?? 0),
    retired: 0,
    held: canonicalText(held ? forward(known, held) : known),
  };
  const isNews = row.label !== old?.label || old.retired !== 0 || row.held !== old.held;
  if (isNews || row.last_seen - old.last_seen >= STAMP_MS) putMember(engine, n, row);
}

/** What a store once held it holds; under whatever chain it calls that today. */
function forward(known: Vector, held: Vector): Vector {
  const merged = { ...known };
  for (const [chain, entry] of Object.entries(held) as [keyof Vector, Vector[keyof Vector]][]) {
    if (!Object.hasOwn(merged, chain) || merged[chain].generation <= entry.generation) merged[chain] = entry;
  }
  return merged;
}

function putMember(
  { db }: Engine,
  n: number,
  { store, label, last_seen, retired, held }: Omit<MemberRow, 'sum'>,
): void {
  db.run(
    'INSERT OR REPLACE INTO members(volset, store, label, last_seen, retired, held, sum) VALUES (?, ?, ?, ?, ?, ?, ?)',
    n,
    store,
    label,
    last_seen,
    retired,
    held,
    rowSum('members', store, label, last_seen, retired, held),
  );
}

function checked(row: MemberRow): MemberRow {
  checkRow(row.sum, 'members', row.store, row.label, row.last_seen, row.retired, row.held);
  return row;
}

const COLUMNS = 'SELECT store, label, last_seen, retired, held, sum FROM members WHERE volset = ?';

function findMember({ db }: Engine, n: number, store: StoreId): MemberRow | undefined {
  const row = db.get<MemberRow>(`${COLUMNS} AND store = ?`, n, store);
  return row && checked(row);
}

const memberRows = ({ db }: Engine, n: number): MemberRow[] =>
  db.all<MemberRow>(`${COLUMNS} ORDER BY store`, n).map(checked);

/** What people are shown for a member: its id where it has no label. undefined: it is none. */
export function labelOf(engine: Engine, n: number, store: StoreId): string | undefined {
  const row = findMember(engine, n, store);
  return row && (row.label === '' ? row.store : row.label);
}

/** Active ones. Of what they hold, which may be much, nothing is read. */
export const countMembers = ({ db }: Engine, n: number): number =>
  db.get<{ count: number }>('SELECT count(*) AS count FROM members WHERE volset = ? AND retired = 0', n)?.count ?? 0;

/** By store id. None of an unknown volset. */
export function listMembers(engine: Engine, volset: VolsetId): Member[] {
  const n = findVolsetNumber(engine, volset);
  if (n === undefined) return [];
  const chains = readChains(engine, n);
  const ours = chains.cover(chains.vector());
  const behind = (held: string): Pick<Member, 'behind'> =>
    held === '{}' ? {} : { behind: chains.countBeyond(ours, chains.cover(JSON.parse(held) as Vector)) };
  return memberRows(engine, n).map(({ store, label, last_seen, retired, held }) => ({
    store,
    label,
    lastSeen: last_seen,
    state: retired ? 'retired' : 'active',
    ...behind(held),
  }));
}

/** What each active member is known to hold. Empty: it never said. */
export const heldByMembers = (engine: Engine, n: number): { store: StoreId; held: Vector }[] =>
  memberRows(engine, n)
    .filter(({ retired }) => !retired)
    .map(({ store, held }) => ({ store, held: JSON.parse(held) as Vector }));

/** No longer waited for. Throws `not-found` where it is no member. */
export function retireMember(engine: Engine, volset: VolsetId, store: StoreId): void {
  engine.db.write(() => {
    const n = volsetNumber(engine, volset);
    const row = isStoreId(store) ? findMember(engine, n, store) : undefined;
    if (row === undefined) {
      throw new PlaitError('not-found', `Store ${store} is no member of this volset.`, {
        hint: 'See `plait member list`.',
      });
    }
    if (!row.retired) putMember(engine, n, { ...row, retired: 1 });
  });
}

/** Those that were last seen at or before `before`, milliseconds since the epoch. Inside a write transaction. */
export function retireUnseen(engine: Engine, n: number, before: number): void {
  for (const row of memberRows(engine, n))
    if (!row.retired && row.last_seen <= before) putMember(engine, n, { ...row, retired: 1 });
}
