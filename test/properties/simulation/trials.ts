/** Things done to a store on purpose, to see that it stands them: what is told twice, told wrongly, or only tried. */
import { PlaitError } from '../../../src/core/errors.ts';
import type { StoreId, VolsetId, WhatHash, WriteId } from '../../../src/core/ids.ts';
import type { Policy } from '../../../src/core/reconcile.ts';
import { type Generation, type LoggedRecord, type PastRecord, pastOf, recordId } from '../../../src/core/records.ts';
import type { MetaStore } from '../../../src/meta/contract.ts';
import { openMetaStore } from '../../../src/meta/index.ts';
import type { Random } from '../../support/seed.ts';
import { faultsOf, portrait, privatePortrait } from './invariants.ts';
import { logOf } from './oracle.ts';
import type { SimStore } from './sim-store.ts';

export interface Trial {
  random: Random;
  volset: VolsetId;
}

/** I9: what a store is told once more changes nothing. It holds all that the other holds. */
export function tellAgain({ random, volset }: Trial, to: SimStore, from: SimStore, policy: Policy | undefined): number {
  const log = logOf(from.quietly, volset);
  const before = privatePortrait(to.quietly, volset);
  const generations = log.slice(random.below(log.length + 1));
  const applied = to.meta.apply(volset, { peer: from.quietly.self.store, generations, ...(policy && { policy }) });
  const after = privatePortrait(to.quietly, volset);
  if (after !== before) throw new Error(`I9: a replay changed ${to.name}\n${before}\n${after}`);
  if (applied.generations + applied.written + applied.conflicts.length > 0) throw new Error('I9: a replay was news');
  return generations.length;
}

type Damage = (log: Generation[], news: number, random: Random) => Generation[];

/** Each makes a stream that must not be taken, from a log of which `news` is the first generation that is not held. */
const DAMAGES: Record<string, Damage> = {
  'another hash': (log, news, random) => log.with(news, { ...log[news], hash: random.hex(64) as Generation['hash'] }),
  'a record twice': (log, news) => {
    const { count, records } = log[news];
    return log.with(news, { ...log[news], count: count + 1, records: [...records, records[0]] });
  },
  'another number': (log, news) => log.with(news, { ...log[news], generation: log[news].generation + 1 }),
  'another value': (log, news) => {
    const records = log[news].records.map((record) =>
      record.type === 'write' ? { ...record, value: 'forged' } : record,
    );
    return log.with(news, { ...log[news], records });
  },
  'another past': (log, news, random) => {
    const lie = random.pick<Partial<PastRecord>>([
      { parents: [random.hex(64) as WriteId] },
      { stamp: '0000000000000001' },
      { author: `${random.hex(32)}.1` as StoreId },
      { what: random.hex(64) as WhatHash },
    ]);
    const records = log[news].records.map((record) => (record.type === 'past' ? { ...record, ...lie } : record));
    return log.with(news, { ...log[news], records });
  },
};

/**
 * I10: what is damaged is refused, and what is refused changes nothing. `complete`: nothing that a copy of it may have
 * closed waits in an open generation. Answers what was tried.
 */
export function tellWrongly({ random, volset }: Trial, to: MetaStore, from: SimStore, complete = true): string[] {
  const log = logOf(from.quietly, volset);
  const held = new Set(logOf(to, volset).map(({ hash }) => hash));
  const news = log.flatMap(({ hash }, i) => (held.has(hash) ? [] : [i]));
  if (news.length === 0) return [];
  const rounds = Object.entries(DAMAGES).map(([what, damage]): [string, Generation[]] => [
    what,
    damage(log, random.pick(news), random),
  ]);
  // Left out: one that another of the same store stands on, and one that others only refer to, with its own store's rest.
  for (const [what, needs] of Object.entries(NEEDS)) {
    const left = news.find((i) => news.some((later) => later > i && needs(log[later], log[i])));
    if (left === undefined) continue;
    const { store } = log[left];
    const rest = log.filter((other, i) => i !== left && (what === 'a gap' || i < left || other.store !== store));
    if (what === 'a gap' || lacksSomething(rest, to, volset)) rounds.push([what, rest]);
  }
  const hidden = complete && hideEdit(log, news, knownTo(to, volset));
  if (hidden) rounds.push(['an edit hidden', hidden]);
  const damaged = rounds.filter(([, generations]) => JSON.stringify(generations) !== JSON.stringify(log));
  for (const [what, generations] of damaged) refuses(volset, to, what, { peer: from.quietly.self.store, generations });
  return damaged.map(([what]) => what);
}

/**
 * I7, from nothing: whoever is told all that a store holds, after a part of what `earlier` holds, shows what it shows, be
 * either of them compacted. The store holds all that `earlier` does.
 */
export function tellNewcomer({ random, volset }: Trial, from: SimStore, earlier: SimStore): void {
  using newcomer = emptyStore();
  const log = logOf(earlier.quietly, volset);
  const part = log.slice(0, random.below(log.length + 1));
  newcomer.apply(volset, { peer: earlier.quietly.self.store, generations: part });
  tellWrongly({ random, volset }, newcomer, from);
  newcomer.apply(volset, { peer: from.quietly.self.store, generations: logOf(from.quietly, volset) });
  const [shown, expected] = [portrait(newcomer, volset), portrait(from.quietly, volset)];
  if (shown !== expected) throw new Error(`I7: a newcomer shows other things than ${from.name}\n${shown}\n${expected}`);
  const faults = faultsOf(newcomer, volset, { vector: {} }, true);
  if (faults.length > 0) throw new Error(`a newcomer: ${faults[0]}`);
}

const emptyStore = (): MetaStore => openMetaStore({ path: ':memory:', create: true, now: () => 0 });

const NEEDS: Record<string, (later: Generation, earlier: Generation) => boolean> = {
  'a gap': (later, { store, hash }) => later.store === store && later.previous === hash,
  'no parents': (later, { store, records }) =>
    later.store !== store && records.some((record) => record.type !== 'past' && refersTo(later, recordId(record))),
};

/** A throw-away store has what it handed over: in the open, until it comes back in a generation. */
const knownTo = (to: MetaStore, volset: VolsetId): Set<string> =>
  new Set([...logOf(to, volset).flatMap(({ records }) => records), ...to.openRecords(volset)].map(recordId));

/** A record may be logged in several generations: does any of `rest` refer to what is in none? */
function lacksSomething(rest: Generation[], to: MetaStore, volset: VolsetId): boolean {
  const known = knownTo(to, volset);
  for (const { records } of rest) for (const record of records) known.add(recordId(record));
  return rest.some(({ records }) =>
    records.some((record) => {
      const named: string[] = record.type === 'tombstone' ? record.sees : record.parents;
      return named.some((id) => !known.has(id));
    }),
  );
}

/** What only stays of a write that others follow, said of one that nobody follows: every hash is as it was. */
function hideEdit(log: Generation[], news: number[], known: ReadonlySet<string>): Generation[] | undefined {
  const followed = new Set<string>();
  // What two stores logged, each in a generation of its own, is told in full by the other.
  const logged = new Map<string, number>();
  for (const record of log.flatMap(({ records }) => records)) {
    if (record.type !== 'tombstone') for (const id of record.parents) followed.add(id);
    const id = recordId(record);
    logged.set(id, (logged.get(id) ?? 0) + 1);
  }
  const hide = (record: LoggedRecord): LoggedRecord => {
    const id = recordId(record);
    const isHidden = record.type === 'write' && !followed.has(id) && !known.has(id) && logged.get(id) === 1;
    return isHidden ? pastOf(record) : record;
  };
  for (const at of news) {
    const records = log[at].records.map(hide);
    if (records.some((record, i) => record !== log[at].records[i])) return log.with(at, { ...log[at], records });
  }
  return undefined;
}

const refersTo = ({ records }: Generation, id: string): boolean =>
  records.some((record) => {
    if (record.type === 'tombstone') return (record.sees as string[]).includes(id);
    return (record.parents as string[]).includes(id);
  });

function refuses(
  volset: VolsetId,
  to: MetaStore,
  what: string,
  round: { peer: Generation['store']; generations: Generation[] },
): void {
  const before = privatePortrait(to, volset);
  try {
    to.apply(volset, { ...structuredClone(round), policy: 'target' });
  } catch (error) {
    if (!(error instanceof PlaitError) || !['protocol', 'integrity'].includes(error.code)) throw error;
    if (privatePortrait(to, volset) !== before) throw new Error('I10: a refused round changed something');
    return;
  }
  throw new Error(`I10: a round with ${what} was taken`);
}

/** What is only tried changes nothing, and is then what happens. */
export async function tryFirst(trial: Trial, store: SimStore, run: () => Promise<unknown>): Promise<void> {
  const before = privatePortrait(store.quietly, trial.volset);
  await run();
  const after = privatePortrait(store.quietly, trial.volset);
  if (after !== before) throw new Error(`a dry run changed ${store.name}\n${before}\n${after}`);
}

/** I11: what is dropped is held by all who are waited for. Answers how much was dropped. */
export function dropOld(
  { volset }: Trial,
  store: SimStore,
  others: readonly SimStore[],
  retireAfterMs: number,
): number {
  const isWhole = ({ records }: Generation): boolean => !records.some(({ type }) => type === 'past');
  const whole = new Set(
    logOf(store.quietly, volset)
      .filter(isWhole)
      .map(({ hash }) => hash),
  );
  const { dropped } = store.meta.compact(volset, { retireAfterMs });
  const cut = logOf(store.quietly, volset).filter((generation) => whole.has(generation.hash) && !isWhole(generation));
  const members = store.quietly.listMembers(volset).filter(({ state }) => state === 'active');
  const active = new Set(members.map((member) => member.store));
  for (const other of others) {
    if (other === store || !active.has(other.quietly.self.store) || other.restored) continue;
    const held = new Set(logOf(other.quietly, volset).map(({ hash }) => hash));
    if (cut.some(({ hash }) => !held.has(hash)))
      throw new Error(`I11: ${other.name} still needs what ${store.name} dropped`);
  }
  return dropped;
}
