/** How a conflict reads: what it is about, what a side says, and the commands that settle it. Pure. */
import type { ConflictsPage } from '../../wire/views.ts';
import { shellWord } from './shell-word.ts';

export type ConflictRow = ConflictsPage['conflicts'][number];
export type SideName = 'initial' | 'current' | 'target';

/** `name` is as somebody wrote it: to be shown, never to be interpreted. */
export type Piece = string | { name: string };

export function subjectOf(row: ConflictRow): Piece[] {
  if (row.kind === 'path') return ['Path ', { name: row.field }];
  if (row.kind === 'name') return ['Two objects with one name: ', ...objectOf(row)];
  if (row.kind === 'delete') return ['Deleted and edited: ', ...objectOf(row)];
  const field: Piece[] = row.field.startsWith('attr:')
    ? ['Attribute ', { name: row.field.slice('attr:'.length) }]
    : [row.field.charAt(0).toUpperCase() + row.field.slice(1)];
  return [...field, ' of ', ...objectOf(row)];
}

function objectOf({ object, objectName }: ConflictRow): Piece[] {
  const [kind, id] = split(object);
  if (objectName !== null) return [`${kind} `, { name: objectName }];
  return [id === undefined ? kind : `${kind} ${id.slice(0, 12)}`];
}

/** The snapshot that it is about, where it is about one. */
export function snapshotOf({ object }: ConflictRow): string | undefined {
  const [kind, id] = split(object);
  return kind === 'snapshot' ? id : undefined;
}

function split(object: string): [kind: string, id: string | undefined] {
  const at = object.indexOf(':');
  return at < 0
    ? [object === 'volset' ? 'volume set' : object, undefined]
    : [object.slice(0, at), object.slice(at + 1)];
}

/** What happened, as a sentence. */
export function storyOf({ kind, initial, current }: ConflictRow): string {
  if (kind === 'name') return 'Two sides gave the same name to different objects.';
  if (kind === 'delete')
    return `Deleted on one side (${current === null ? 'current' : 'target'}) and edited on the other.`;
  if (kind === 'path')
    return initial === null ? 'Added on both sides of a merge.' : 'Changed on both sides of a merge.';
  return 'Changed on both sides, neither of which knew of the other.';
}

/** `value`: text of somebody's. `snapshot`: an id, at which the path is as that side has it. */
export type SideText = { value: string } | { snapshot: string } | { nothing: string };

export function sideOf({ kind, ...row }: ConflictRow, side: SideName): SideText {
  const value = row[side];
  if (value === null)
    return { nothing: kind === 'path' ? 'not there' : kind === 'delete' && side !== 'initial' ? 'deleted' : 'nothing' };
  return kind === 'path' ? { snapshot: value } : { value };
}

export const SIDES: Record<SideName, string> = {
  initial: 'Initial: what both began with',
  current: 'Current: this side',
  target: 'Target: the other side',
};

export interface Settling {
  command: string;
  effect: string;
}

/** As `plait conflicts show` tells them. */
export function waysOut(row: ConflictRow): Settling[] {
  if (row.kind === 'name') return [{ command: renameCommand(row), effect: 'rename one of the two' }];
  const command = `plait conflicts resolve ${row.id.slice(0, 12)}`;
  const sides = (['current', 'target'] as const).map((side) => ({
    command: `${command} --${side}`,
    effect: effectOf(row, side),
  }));
  if (row.kind === 'path' || row.kind === 'delete') return sides;
  return [...sides, { command: `${command} --value TEXT`, effect: 'another value, in place of TEXT' }];
}

function effectOf(row: ConflictRow, side: 'current' | 'target'): string {
  if (row.kind === 'delete') return row[side] === null ? 'delete it' : 'keep it';
  if (row.kind !== 'path') return side === row.resolution ? 'what stands already' : `let ${side} stand`;
  if (side === row.resolution) return 'leave the file as it is';
  if (row[side] === null) return 'delete the file';
  return `restore ${side === 'target' ? 'theirs' : 'ours'} into the working directory`;
}

function renameCommand({ object, objectName }: ConflictRow): string {
  const topic = object.startsWith('branch:') ? 'branch' : 'volset';
  const old = objectName === null ? undefined : shellWord(objectName);
  return `plait ${topic} rename ${old ?? 'NAME'} NEW`;
}
