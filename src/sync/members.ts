/** `plait member`: stores whose edits this store has seen. Until one is retired, what it may lack is kept for it. */
import { PlaitError } from '../core/errors.ts';
import type { StoreId, VolsetId } from '../core/ids.ts';
import { showText } from '../core/paths.ts';
import type { Member } from '../meta/contract.ts';
import { type MetaEngine, type Outcome, outcome } from './engine.ts';
import { volsetsInReach } from './volsets.ts';

export interface MemberRow {
  store: StoreId;
  label: string;
  /** ISO 8601, UTC. */
  lastSeen: string;
  state: Member['state'];
}

interface Membership {
  volset: VolsetId;
  member: Member;
}

export function listMembers(engine: MetaEngine): Outcome<{ members: MemberRow[] }> {
  return outcome({ members: [...byStore(engine).values()].map(memberRow) });
}

/** In all volsets in reach. `prefix`: of the store's id, as long as it takes to be the only one. */
export function retireMember(engine: MetaEngine, prefix: string): Outcome<MemberRow> {
  const rows = byStore(engine);
  const store = findStore([...rows.keys()], prefix);
  const memberships = rows.get(store) ?? [];
  for (const { volset } of memberships) engine.meta.retireMember(volset, store);
  return outcome({ ...memberRow(memberships), state: 'retired' });
}

function byStore(engine: MetaEngine): Map<StoreId, Membership[]> {
  const all = volsetsInReach(engine).flatMap(({ id }) =>
    engine.meta.listMembers(id).map((member): Membership => ({ volset: id, member })),
  );
  all.sort((a, b) => b.member.lastSeen - a.member.lastSeen || (a.member.store < b.member.store ? -1 : 1));
  return Map.groupBy(all, ({ member }) => member.store);
}

/** Retired only where no volset waits for it any more. Newest first, as `byStore` has them. */
function memberRow(memberships: Membership[]): MemberRow {
  const { store, label, lastSeen } = memberships[0].member;
  const isActive = memberships.some(({ member }) => member.state === 'active');
  return { store, label, lastSeen: new Date(lastSeen).toISOString(), state: isActive ? 'active' : 'retired' };
}

/** Throws `not-found` or `ambiguous-reference` (data.candidates). A whole id is that store, though epochs go on from it. */
export function findStore(stores: StoreId[], prefix: string): StoreId {
  const exact = stores.find((store) => store === prefix);
  const hits = exact ? [exact] : stores.filter((store) => prefix !== '' && store.startsWith(prefix));
  if (hits.length === 1) return hits[0];
  if (hits.length === 0) {
    throw new PlaitError('not-found', `no member of this volume set has an id ${showText(prefix)}`, {
      hint: 'see `plait member list`',
    });
  }
  throw new PlaitError('ambiguous-reference', `${showText(prefix)} could be any of ${hits.length} members`, {
    hint: `give more digits: ${hits.slice(0, 3).join(', ')}`,
    data: { candidates: hits },
  });
}
