/** What of this store no log tells, told in steps to be kept in packs; the table says how far that went. */
import { hash } from 'node:crypto';
import { PlaitError } from '../../core/errors.ts';
import type { VolsetId } from '../../core/ids.ts';
import type { Ref } from '../../core/records.ts';
import { encodeState, MAX_STATE_REFS, STORE_STATE } from '../../core/state-object.ts';
import type { StateMark, StateToPack } from '../contract.ts';
import { rowSum } from './checksum.ts';
import { listRemotes, listTokens, settings } from './config.ts';
import { type Engine, findVolsetNumber } from './engine.ts';
import { OWN_REFS, ownRefsBetween } from './ref-rows.ts';
import { WAITING } from './revisions.ts';

/** Row of the store itself: volsets are numbered from 1. */
const STORE = 0;

interface StateRow {
  epoch: number;
  sequence: number;
  told: number;
  digest: string;
  sum: string;
}

const sumOf = (n: number, { epoch, sequence, told, digest }: Omit<StateRow, 'sum'>): string =>
  rowSum('states', n, epoch, sequence, told, digest);

/** One whose checksum is wrong is none: everything is told again. */
function rowOf({ db }: Engine, n: number): StateRow | undefined {
  const row = db.get<StateRow>('SELECT epoch, sequence, told, digest, sum FROM states WHERE volset = ?', n);
  return row?.sum === (row && sumOf(n, row)) ? row : undefined;
}

/** What was looked at last by each connection, when there was nothing to tell. */
const quiet = new WeakMap<object, string>();

/** Not one that hands its records over and is thrown away, nor an older format, which cannot note what was packed. */
export const tellsStates = ({ db, self }: Engine): boolean => !self.ephemeral && !db.isReadOnly;

export function unpackedStates(engine: Engine): StateToPack[] {
  const { db } = engine;
  if (!tellsStates(engine)) return [];
  return db.read(() => {
    const seen = seenNow(engine);
    if (quiet.get(db) === seen) return [];
    const states = [...storeState(engine), ...volsetStates(engine)];
    if (states.length === 0) quiet.set(db, seen);
    return states;
  });
}

/** Moves whenever somebody has written: others by the first figure, this connection by the second. */
function seenNow({ db }: Engine): string {
  const theirs = db.get<{ data_version: number }>('PRAGMA data_version')?.data_version;
  const ours = db.get<{ total: number }>('SELECT total_changes() AS total')?.total;
  return `${theirs} ${ours}`;
}

/** Rows that others are told to remember, or keep to themselves, are left out. */
const LEFT_OUT = ['hub.transfer-secret', 'hub.probe', 'clone.unfinished'];
const KEPT = `key NOT LIKE 'peer.%' AND key NOT IN (${LEFT_OUT.map((key) => `'${key}'`).join()})`;
const isKept = (key: string): boolean => !key.startsWith('peer.') && !LEFT_OUT.includes(key);

function storeState(engine: Engine): StateToPack[] {
  const { install, epoch, label } = engine.self;
  const row = rowOf(engine, STORE);
  const digest = digestOf(engine);
  if (row?.digest === digest) return [];
  const sequence = (row?.epoch === epoch ? row.sequence : 0) + 1;
  return unlessDamaged(() => {
    const kept = Object.fromEntries(Object.entries(settings(engine)).filter(([key]) => isKept(key)));
    const rows = { remotes: listRemotes(engine), settings: kept, tokens: listTokens(engine) };
    const bytes = encodeState({ state: 'store', install, epoch, sequence, label, ...rows });
    const mark = { volset: STORE_STATE, epoch, sequence, told: 0, digest };
    return bytes === undefined ? [] : [{ volset: STORE_STATE, bytes, mark }];
  });
}

/** Over the rows' checksums: nothing is parsed while nothing has changed. */
function digestOf({ db, self }: Engine): string {
  const sums = db.all<{ sum: string }>(
    `SELECT sum FROM (SELECT 1 AS part, name AS key, sum FROM remotes
     UNION ALL SELECT 2, key, sum FROM settings WHERE ${KEPT} UNION ALL SELECT 3, id, sum FROM tokens) ORDER BY part, key`,
  );
  const text = JSON.stringify([self.install, self.epoch, self.label, sums.map(({ sum }) => sum)]);
  return hash('sha256', text, 'hex').slice(0, 32);
}

interface Moved {
  n: number;
  id: VolsetId;
  revision: number;
}

/** A volset with an open generation waits for its cut: refs may point into it. */
const MOVED = `SELECT v.n, v.id, v.revision FROM volsets v LEFT JOIN states s ON s.volset = v.n
  WHERE v.open_count = 0 AND (s.sequence IS NULL OR s.epoch <> ? OR s.sequence < v.revision)`;

function volsetStates(engine: Engine): StateToPack[] {
  const moved = engine.db.all<Moved>(MOVED, engine.self.epoch);
  return moved.flatMap((volset) => unlessDamaged(() => volsetState(engine, volset)));
}

function volsetState(engine: Engine, { n, id, revision }: Moved): StateToPack[] {
  const { install, epoch } = engine.self;
  const row = rowOf(engine, n);
  const after = row?.epoch === epoch ? row.sequence : undefined;
  const fresh = after === undefined ? [] : ownRefsBetween(engine, n, after, WAITING);
  if (after !== undefined && fresh.length === 0) return [];
  const count = countRefs(engine, n);
  const before = row?.told ?? 0;
  // In steps, until these are as much again as all of it.
  const whole = after === undefined || (before + fresh.length > 2 * count && count > fresh.length);
  const refs = whole ? ownRefsBetween(engine, n, 0, WAITING) : fresh;
  if (refs.length === 0) return [];
  const told = whole ? refs.length : before + refs.length;
  const mark = { volset: id, epoch, sequence: revision, told, digest: '' };
  return parts(refs).map((part) => {
    const state = { state: 'volset', volset: id, install, epoch, sequence: revision, whole, refs: part } as const;
    return { volset: id, bytes: encodeState(state) as Uint8Array, mark };
  });
}

const countRefs = ({ db }: Engine, n: number): number =>
  db.get<{ count: number }>('SELECT count(*) AS count FROM refs WHERE volset = ? AND store = ?', n, OWN_REFS)?.count ??
  0;

function parts(refs: Ref[]): Ref[][] {
  const cut: Ref[][] = [];
  for (let at = 0; at < refs.length; at += MAX_STATE_REFS) cut.push(refs.slice(at, at + MAX_STATE_REFS));
  return cut;
}

/** A damaged row is no reason to stop every command: `verify` names it, and the last state that was told still stands. */
function unlessDamaged(work: () => StateToPack[]): StateToPack[] {
  try {
    return work();
  } catch (error) {
    if (error instanceof PlaitError && error.code === 'integrity') return [];
    throw error;
  }
}

/** Inside a write transaction. */
export function markStates(engine: Engine, marks: readonly StateMark[]): void {
  for (const { volset, ...mark } of marks) {
    const n = volset === STORE_STATE ? STORE : findVolsetNumber(engine, volset);
    if (n === undefined) continue;
    const { epoch, sequence, told, digest } = mark;
    engine.db.run(
      'INSERT OR REPLACE INTO states(volset, epoch, sequence, told, digest, sum) VALUES (?, ?, ?, ?, ?, ?)',
      n,
      epoch,
      sequence,
      told,
      digest,
      sumOf(n, mark),
    );
  }
}

export const waitsForCut = ({ db }: Engine, volset: VolsetId): boolean =>
  db.get('SELECT 1 FROM volsets WHERE id = ? AND open_count > 0', volset) !== undefined;

export const repackStates = ({ db }: Engine): void => void db.write(() => db.run('DELETE FROM states'));
