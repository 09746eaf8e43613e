/** Recomputes what is derived and compares; reads every record. One text per fault, none when all is well. */
import { lineageOf } from '../../core/ancestry.ts';
import { canonicalText } from '../../core/canonical.ts';
import { type KnownWrite, unfollowed } from '../../core/heads.ts';
import type { InstallId, SnapshotId, VolsetId, WriteId } from '../../core/ids.ts';
import { type AnyRecord, checkRecord, type LoggedRecord, recordId } from '../../core/records.ts';
import { registerKey } from '../../core/register.ts';
import { blobFaults } from './blobs.ts';
import { listRemotes, listTokens, settings } from './config.ts';
import { listConflicts } from './conflicts.ts';
import type { Engine } from './engine.ts';
import { followedBy, isDead } from './heads.ts';
import { keepingFaults } from './keeping.ts';
import { isCovered } from './liveness.ts';
import { listMembers } from './members.ts';
import { agreedTips, peer } from './peers.ts';
import { pinFaults } from './pins.ts';
import { queueFaults } from './queue-rows.ts';
import { OWN_REFS, refsOf } from './ref-rows.ts';
import { sealFaults } from './seals.ts';
import { readClock } from './self.ts';
import { lineageAt } from './snapshots.ts';
import { chainFaults } from './verify-chains.ts';
import { revisionFaults } from './verify-revisions.ts';

interface Check {
  engine: Engine;
  n: number;
  volset: VolsetId;
  faults: string[];
}

export function verify(engine: Engine): string[] {
  return engine.db.read(() => {
    const faults: string[] = [];
    for (const { integrity_check: text } of engine.db.all<{ integrity_check: string }>('PRAGMA integrity_check(20)')) {
      if (text !== 'ok') faults.push(text);
    }
    for (const { n, id } of engine.db.all<{ n: number; id: VolsetId }>('SELECT n, id FROM volsets')) {
      const check = { engine, n, volset: id, faults };
      for (const part of [
        checkChains,
        checkRevisions,
        checkOpen,
        checkHeads,
        checkDeletions,
        checkConflicts,
        checkSnapshots,
        checkRefs,
        checkPeers,
        checkMembers,
        checkBlobs,
      ])
        attempt(faults, () => part(check));
    }
    attempt(faults, () => void faults.push(...queueFaults(engine)));
    attempt(faults, () => void faults.push(...keepingFaults(engine)));
    for (const read of [listRemotes, listTokens, settings]) attempt(faults, () => read(engine));
    attempt(faults, () => readClock(engine.db));
    return faults;
  });
}

function attempt(faults: string[], work: () => void): void {
  try {
    work();
  } catch (error) {
    faults.push(error instanceof Error ? error.message : String(error));
  }
}

function checkChains({ engine, n, volset, faults }: Check): void {
  for (const fault of chainFaults(engine, n, volset)) faults.push(`volset ${volset}: ${fault}`);
}

function checkRevisions({ engine, n, volset, faults }: Check): void {
  for (const fault of [...revisionFaults(engine, n), ...pinFaults(engine, n)])
    faults.push(`volset ${volset}: ${fault}`);
}

function checkOpen({ engine, n, volset, faults }: Check): void {
  const rows = engine.db.all<{ id: string; body: string }>('SELECT id, body FROM records WHERE position = ?', -n);
  for (const { id, body } of rows) {
    const record = checkRecord(JSON.parse(body), volset);
    if (recordId(record) !== id || canonicalText(record) !== body)
      faults.push(`volset ${volset}: record ${id} is damaged`);
  }
  const open = engine.db.get<{ open_count: number }>('SELECT open_count FROM volsets WHERE n = ?', n);
  if (open?.open_count !== rows.length) faults.push(`volset ${volset}: the open generation is miscounted`);
}

/** The rows are the unfollowed writes, no more and no fewer, and the largest is shown. */
function checkHeads({ engine, n, volset, faults }: Check): void {
  const expected = new Map<string, string>();
  for (const [key, writes] of writesByRegister(engine, n)) expected.set(key, describe(unfollowed(writes)));
  for (const [key, rows] of headsByRegister(engine, n)) {
    if (expected.get(key) !== describe(rows) || rows.some(({ shown }, i) => shown !== (i === 0 ? 1 : 0)))
      faults.push(`volset ${volset}: the head of ${key} is wrong`);
    expected.delete(key);
  }
  for (const key of expected.keys()) faults.push(`volset ${volset}: ${key} has no head`);
}

interface HeadRow extends Pick<KnownWrite, 'id' | 'stamp' | 'value'> {
  resolution: number;
  shown: number;
}

const describe = (heads: readonly (KnownWrite | HeadRow)[]): string =>
  JSON.stringify(heads.map(({ id, stamp, value, resolution }) => [id, stamp, value, Boolean(resolution)]));

function writesByRegister({ db }: Engine, n: number): Map<string, KnownWrite[]> {
  const past = droppedParents(db, n);
  const writes = new Map<string, Map<WriteId, KnownWrite>>();
  for (const { id, body } of db.each<{ id: WriteId; body: string }>(
    `SELECT id, body FROM records WHERE volset = ? AND body LIKE '%"type":"write"%'`,
    n,
  )) {
    const record = JSON.parse(body) as AnyRecord;
    if (record.type !== 'write') continue;
    const known = writes.get(record.register) ?? new Map<WriteId, KnownWrite>();
    const parents = past.size > 0 ? followedBy(record, (parent) => past.get(parent)) : record.parents;
    known.set(id, { ...record, id, parents });
    writes.set(record.register, known);
  }
  return new Map([...writes].map(([key, known]) => [key, [...known.values()]]));
}

function droppedParents(db: Engine['db'], n: number): Map<WriteId, WriteId[]> {
  const past = new Map<WriteId, WriteId[]>();
  for (const { id, body } of db.each<{ id: WriteId; body: string }>(
    `SELECT id, body FROM records WHERE volset = ? AND body LIKE '%"type":"past"%'`,
    n,
  )) {
    const record = JSON.parse(body) as LoggedRecord;
    if (record.type === 'past') past.set(id, record.parents);
  }
  return past;
}

/** Largest first. */
function headsByRegister({ db }: Engine, n: number): Map<string, HeadRow[]> {
  const heads = new Map<string, HeadRow[]>();
  for (const { object, field, ...row } of db.each<HeadRow & { object: string; field: string }>(
    `SELECT object, field, id, stamp, value, resolution, shown FROM heads WHERE volset = ? ORDER BY stamp DESC, id DESC`,
    n,
  )) {
    const key = registerKey(object, field);
    const rows = heads.get(key);
    if (rows) rows.push(row);
    else heads.set(key, [row]);
  }
  return heads;
}

/** Every tombstone has its row, and what they cover is dead. */
function checkDeletions({ engine, n, volset, faults }: Check): void {
  const logged = new Map<string, string>();
  for (const { id, body } of engine.db.each<{ id: string; body: string }>(
    `SELECT id, body FROM records WHERE volset = ? AND body LIKE '%"type":"tombstone"%'`,
    n,
  )) {
    const record = JSON.parse(body) as AnyRecord;
    if (record.type === 'tombstone') logged.set(id, record.object);
  }
  const rows = engine.db.all<{ object: string; id: string }>('SELECT object, id FROM tombstones WHERE volset = ?', n);
  if (rows.length !== logged.size || rows.some(({ object, id }) => logged.get(id) !== object))
    faults.push(`volset ${volset}: its tombstones are not those of the log`);
  const dead = engine.db.all<{ object: string }>('SELECT object FROM dead WHERE volset = ?', n);
  for (const object of new Set([...logged.values(), ...dead.map((row) => row.object)])) {
    if (isCovered(engine, n, object) !== isDead(engine, n, object))
      faults.push(`volset ${volset}: it is wrong about whether ${object} is deleted`);
  }
}

const checkConflicts = ({ engine, volset }: Check): void => void listConflicts(engine, volset, { all: true });

function checkSnapshots({ engine, n, volset, faults }: Check): void {
  const bodies = engine.db.each<{ id: SnapshotId; body: string }>(
    `SELECT DISTINCT id, body FROM records WHERE volset = ? AND body LIKE '%"type":"snapshot"%'`,
    n,
  );
  let count = 0;
  for (const { id, body } of bodies) {
    const record = JSON.parse(body) as AnyRecord;
    if (record.type !== 'snapshot') continue;
    count++;
    const held = lineageAt(engine, n, id);
    const { depth, line, jump } = lineageOf(record.parents, (parent) => lineageAt(engine, n, parent));
    const expected = { parents: record.parents, depth, line, jump };
    if (!held || canonicalText(held) !== canonicalText(expected)) {
      faults.push(`volset ${volset}: snapshot ${id} is not where its body puts it`);
    }
  }
  const sums = engine.db.get<{ kept: number; said: number }>(
    'SELECT (SELECT count(*) FROM snapshots WHERE volset = v.n) AS kept, v.snapshots AS said FROM volsets v WHERE n = ?',
    n,
  );
  if (sums?.kept !== count || sums.said !== count) faults.push(`volset ${volset}: its snapshots are miscounted`);
}

function checkRefs({ engine, n, volset, faults }: Check): void {
  const stores = engine.db.all<{ n: number }>('SELECT n FROM stores').map(({ n: store }) => store);
  for (const store of [OWN_REFS, ...stores]) {
    for (const { branch, snapshot } of refsOf(engine, n, store)) {
      if (snapshot !== null && lineageAt(engine, n, snapshot) === undefined) {
        faults.push(`volset ${volset}: branch ${branch} points at an unknown snapshot`);
      }
    }
  }
}

function checkPeers({ engine, n, volset }: Check): void {
  const rows = engine.db.all<{ install: InstallId }>('SELECT install FROM peers WHERE volset = ?', n);
  for (const { install } of rows) {
    peer(engine, install, volset);
    agreedTips(engine, install, volset);
  }
}

/** Their rows say themselves whether they are damaged. */
function checkMembers({ engine, volset }: Check): void {
  listMembers(engine, volset);
}

function checkBlobs({ engine, n, volset, faults }: Check): void {
  for (const fault of [...blobFaults(engine, n), ...sealFaults(engine, n)]) faults.push(`volset ${volset}: ${fault}`);
}
