/** `plait conflicts resolve`: a write that travels like any edit; of a path, a file of the working directory as well. */
import type { Choice, Conflict } from '../core/conflict.ts';
import { PlaitError } from '../core/errors.ts';
import type { VolsetId } from '../core/ids.ts';
import { objectNameFault } from '../core/names.ts';
import { showText } from '../core/paths.ts';
import { valueFault } from '../core/records.ts';
import { attrKeyOf, branchKey, registerKey } from '../core/register.ts';
import { type ConflictRow, conflictRow } from './conflict-rows.ts';
import { findConflict } from './conflicts.ts';
import { type Engine, type Outcome, outcome } from './engine.ts';
import { exitOfProblems } from './problems.ts';
import { type SettledPath, settlePath } from './resolve-path.ts';
import type { ProblemRow } from './results.ts';
import { settle } from './settle.ts';
import { refuseOwn } from './volset-edit.ts';

export interface Resolved extends ConflictRow {
  /** Of a path: the chosen side was brought into the working directory. */
  restored: boolean;
  /** Of a path: what could not be restored. The conflict is open then. */
  problems: ProblemRow[];
}

const NO_PATH: SettledPath = { restored: false, problems: [] };

export async function resolveConflict(engine: Engine, prefix: string, chosen: Choice): Promise<Outcome<Resolved>> {
  const { volset, conflict } = findConflict(engine, prefix);
  const choice = emptied(conflict, chosen);
  checkChoice(engine, volset, conflict, choice);
  const settled = conflict.kind === 'path' ? await settlePath(engine, volset, conflict, choice) : NO_PATH;
  const { problems } = settled;
  if (problems.length === 0) {
    engine.meta.commit(volset, [{ edit: 'resolve', conflict: conflict.id, choice }]);
    await settle(engine, volset);
  }
  const after = engine.meta.listConflicts(volset, { all: true }).find(({ id }) => id === conflict.id) ?? conflict;
  return outcome({ ...conflictRow(engine.meta, volset, after), ...settled }, exitOfProblems(problems));
}

/** An empty text is a value of an attribute only; elsewhere it takes the value away. */
function emptied({ field }: Conflict, choice: Choice): Choice {
  const isEmpty = choice.choice === 'value' && choice.value === '' && attrKeyOf(field) === undefined;
  return isEmpty ? { choice: 'value', value: null } : choice;
}

/** Throws `usage` for a choice that such a conflict has not. */
function checkChoice(engine: Engine, volset: VolsetId, conflict: Conflict, choice: Choice): void {
  switch (conflict.kind) {
    case 'name':
      throw sharedName(engine, volset, conflict);
    case 'path':
      refuseValue(conflict, choice);
      break;
    case 'delete':
      refuseValue(conflict, choice);
      refuseHere(engine, volset, conflict, choice);
      break;
    default:
      checkValue(conflict, choice);
  }
}

/** Derived from the names, so that only another name ends it. */
function sharedName(engine: Engine, volset: VolsetId, conflict: Conflict): PlaitError {
  const row = conflictRow(engine.meta, volset, conflict);
  const name = row.objectName ?? conflict.object;
  const command = conflict.object === 'volset' ? 'volset rename' : 'branch rename';
  return new PlaitError(
    'usage',
    `two objects have the name ${showText(conflict.target ?? name)}: one must get another`,
    {
      hint: `rename one of them: \`plait ${command} ${showText(name)} NEW\``,
      data: { conflict: conflict.id, object: conflict.object },
    },
  );
}

function refuseValue({ id, kind }: Conflict, { choice }: Choice): void {
  if (choice !== 'value') return;
  const what = kind === 'path' ? 'a path' : 'a deletion';
  throw new PlaitError('usage', `a conflict over ${what} has two sides and no other value`, {
    hint: `\`plait conflicts resolve ${id.slice(0, 12)}\` with --current or --target`,
  });
}

function checkValue({ kind, object, field, current, target }: Conflict, choice: Choice): void {
  const value = choice.choice === 'value' ? choice.value : choice.choice === 'current' ? current : target;
  const isNamed = field === 'name' && value !== null && kind !== 'path';
  const named = isNamed ? objectNameFault(kind as 'branch' | 'volset' | 'snapshot', value) : undefined;
  // A name that a peer has chosen may stand; one that is typed now must be one that can be typed again.
  const fault = (choice.choice === 'value' ? named : undefined) ?? valueFault(registerKey(object, field), value);
  if (fault === undefined) return;
  throw new PlaitError('usage', `${showText(value ?? 'nothing')} cannot stand there: ${fault}`, {
    hint: 'choose another with --value',
  });
}

/** The side without a value is the one that had deleted: choosing it deletes again, but not what one stands in. */
function refuseHere(engine: Engine, volset: VolsetId, { object, current, target }: Conflict, { choice }: Choice): void {
  if ((choice === 'current' ? current : target) !== null) return;
  if (object === 'volset') refuseOwn(engine, volset);
  const { state } = engine.volume ?? {};
  if (state?.volset !== volset || state.branch === null || object !== branchKey(state.branch)) return;
  throw new PlaitError('usage', 'the working directory is on that branch', {
    hint: 'go to another one first: `plait checkout BRANCH`',
  });
}
