/**
 * Conflict records: what met, as this store met it first. They follow from nothing else (policies and orientation are
 * not in the log), so each carries a checksum. Whether one is settled is a register of its own. Names that collide are
 * derived at every look.
 */

import { type Choice, type Conflict, conflictId, kindOfConflict } from '../../core/conflict.ts';
import { PlaitError } from '../../core/errors.ts';
import { byStampAndId } from '../../core/heads.ts';
import type { BranchId, ConflictId, VolsetId, WriteId } from '../../core/ids.ts';
import { displayNames } from '../../core/names.ts';
import { branchKey, conflictKey, RESOLVED, type Register } from '../../core/register.ts';
import { stampTime } from '../../core/stamp.ts';
import { checkRow, rowSum } from './checksum.ts';
import { type Engine, volsetNumber } from './engine.ts';
import { headAt, isDead } from './heads.ts';
import { type NamedBranch, namedBranches, namesCollide } from './views.ts';

type Side = Conflict['resolution'];

interface ConflictRow extends Omit<Conflict, 'resolved' | 'writes' | 'pathBase64'> {
  writes: string;
  path_base64: string | null;
  /** Milliseconds since the epoch, when it was met here. */
  seen: number;
}

const COLUMNS = 'id, kind, object, field, initial, current, target, resolution, writes, path_base64, seen';

const cells = (row: ConflictRow): (string | number | null)[] => [
  ...[row.id, row.kind, row.object, row.field, row.initial, row.current, row.target],
  ...[row.resolution, row.writes, row.path_base64, row.seen],
];

/** Idempotent: the first record of a conflict stays, as it was oriented. True when it is new. Inside a write transaction. */
export function putConflict(engine: Engine, n: number, conflict: Conflict): boolean {
  const { resolved: _, writes, pathBase64, ...rest } = conflict;
  const row = { ...rest, writes: writes.join(' '), path_base64: pathBase64 ?? null, seen: engine.now() };
  const sql = `INSERT INTO conflicts(volset, ${COLUMNS}, sum) VALUES (${'?, '.repeat(12)}?) ON CONFLICT DO NOTHING`;
  return engine.db.run(sql, n, ...cells(row), rowSum('conflicts', ...cells(row))) > 0;
}

function conflictOf(engine: Engine, n: number, { sum, ...row }: ConflictRow & { sum: string }): Met {
  checkRow(sum, 'conflicts', ...cells(row));
  const { writes: joined, path_base64: pathBase64, ...rest } = row;
  const writes = joined.split(' ') as WriteId[];
  const settled = settledAs(engine, n, row.id, writes);
  return {
    ...rest,
    resolution: settled ?? standing(engine, n, row),
    resolved: settled !== undefined,
    writes,
    ...(pathBase64 !== null && { pathBase64 }),
  };
}

/** Of a field: what is shown now, which another store or a later edit may have chosen since this one met it. */
function standing(engine: Engine, n: number, { kind, object, field, current, target, resolution }: ConflictRow): Side {
  if (kind === 'path' || kind === 'delete') return resolution;
  const shown = headAt(engine, n, { object, field })?.value ?? null;
  return shown === current ? 'current' : shown === target ? 'target' : 'value';
}

type Met = Conflict & { seen: number };

const forgetSeen = ({ seen: _, ...conflict }: Met): Conflict => conflict;

const readConflicts = (engine: Engine, n: number): Met[] =>
  engine.db
    .all<ConflictRow & { sum: string }>(`SELECT ${COLUMNS}, sum FROM conflicts WHERE volset = ?`, n)
    .map((row) => conflictOf(engine, n, row));

/** Nobody sees a field of what is deleted. Derived: where the object comes back, so does its conflict. */
const isMoot = (engine: Engine, n: number, { kind, object }: Conflict): boolean =>
  kind === kindOfConflict(object) && isDead(engine, n, object);

export function listConflicts(engine: Engine, volset: VolsetId, { all = false } = {}): Conflict[] {
  return engine.db.read(() => {
    const n = volsetNumber(engine, volset);
    return [...readConflicts(engine, n), ...nameConflicts(engine, n)]
      .filter((met) => all || !(met.resolved || isMoot(engine, n, met)))
      .sort((a, b) => b.seen - a.seen || (a.id < b.id ? -1 : 1))
      .map(forgetSeen);
  });
}

export function recordConflicts(engine: Engine, volset: VolsetId, conflicts: Conflict[]): void {
  engine.db.write(() => {
    const n = volsetNumber(engine, volset);
    for (const conflict of conflicts) putConflict(engine, n, conflict);
  });
}

/** Throws `not-found`. */
export function requireConflict(engine: Engine, n: number, id: ConflictId): Conflict {
  const row = engine.db.get<ConflictRow & { sum: string }>(
    `SELECT ${COLUMNS}, sum FROM conflicts WHERE volset = ? AND id = ?`,
    n,
    id,
  );
  const found = row ? conflictOf(engine, n, row) : nameConflicts(engine, n).find((conflict) => conflict.id === id);
  if (found) return found;
  throw new PlaitError('not-found', `There is no conflict ${id.slice(0, 12)} here.`, {
    hint: 'See `plait conflicts list --all`.',
  });
}

/** Writes that some record about this register names. */
export function recordedWrites({ db }: Engine, n: number, { object, field }: Register): Set<string> {
  const rows = db.all<{ writes: string }>(
    'SELECT writes FROM conflicts WHERE volset = ? AND object = ? AND field = ?',
    n,
    object,
    field,
  );
  return new Set(rows.flatMap(({ writes }) => writes.split(' ')));
}

/**
 * Which side is whose differs from store to store, so the register that says how a conflict was settled calls current
 * the side of the smaller of the two ids.
 */
const turned = (side: Side, [current, target]: readonly string[]): Side =>
  side === 'value' || current < target ? side : side === 'current' ? 'target' : 'current';

export const settledValue = ({ choice }: Choice, { writes }: Conflict): string => turned(choice, writes);

export const settledRegister = (id: ConflictId): Register => ({ object: conflictKey(id), field: RESOLVED });

export const isSettled = (engine: Engine, n: number, id: ConflictId): boolean =>
  (headAt(engine, n, settledRegister(id))?.value ?? null) !== null;

function settledAs(engine: Engine, n: number, id: ConflictId, writes: readonly string[]): Side | undefined {
  const value = headAt(engine, n, settledRegister(id))?.value ?? null;
  return value === null ? undefined : turned(value as Side, writes);
}

/** Branches that show `NAME.xxxx` because another has NAME. Derived: renaming one of them is what settles it. */
export function nameConflicts(engine: Engine, n: number): Met[] {
  if (!namesCollide(engine, n)) return [];
  const branches = namedBranches(engine, n);
  const shown = displayNames(branches);
  const first = new Map<string, NamedBranch>();
  return branches.sort(byStampAndId).flatMap((branch): Met[] => {
    const winner = first.get(branch.name);
    if (winner) return [nameConflict(branch, winner, shown.get(branch.id) as string)];
    first.set(branch.name, branch);
    return [];
  });
}

function nameConflict(branch: NamedBranch, winner: NamedBranch, shown: string): Met {
  const object = branchKey(branch.id as BranchId);
  const writes = [branch.write, winner.write];
  return {
    id: conflictId(object, 'name', writes),
    kind: 'name',
    object,
    field: 'name',
    initial: null,
    current: shown,
    target: branch.name,
    resolution: 'current',
    resolved: false,
    writes,
    seen: stampTime(branch.stamp),
  };
}
