/** How conflicts read to people: what happened, what each side says, which value stands, how to settle it. */
import { type Conflict, pathOf } from '../../core/conflict.ts';
import { showPath, showText } from '../../core/paths.ts';
import { attrKeyOf } from '../../core/register.ts';
import type { ConflictRow } from '../../sync/conflict-rows.ts';
import type { Resolved } from '../../sync/resolve-conflict.ts';
import { formatTable, plural, shortId } from '../format.ts';

/** Documents of other verbs may come without the names. */
type Shown = Conflict & Partial<Pick<ConflictRow, 'volset' | 'objectName'>>;

/** Code units of a value in a table or a line. */
const WIDTH = 40;

export function* conflictTable(rows: ConflictRow[]): Generator<string> {
  if (rows.length === 0) {
    yield 'no conflicts';
    return;
  }
  const several = new Set(rows.map((row) => row.volset)).size > 1;
  yield* formatTable(
    ['id', ...(several ? ['volset'] : []), 'what', 'current', 'target', 'stands'],
    rows.map((row) => [
      shortId(row.id),
      ...(several ? [showText(row.volset ?? '')] : []),
      subjectOf(row),
      brief(sideOf(row, row.current)),
      brief(sideOf(row, row.target)),
      row.resolved ? `${row.resolution}, settled` : row.resolution,
    ]),
  );
  const open = rows.filter((row) => !row.resolved);
  if (open.length > 0) yield howToSettle(open);
}

/** Names that collide are settled by a rename only, which `show` tells. */
function howToSettle(open: ConflictRow[]): string {
  const choices = open.filter((row) => row.kind !== 'name').map(flagsOf);
  if (choices.length === 0) return 'see how to settle one with `plait conflicts show ID`';
  const flags = choices.find((flags) => flags === FIELD_FLAGS) ?? choices[0];
  return `settle one with \`plait conflicts resolve ID ${flags}\`; more with \`plait conflicts show ID\``;
}

/** `isFile`: of a path, theirs can be printed. */
export function* conflictDetail(row: ConflictRow, { isFile = false } = {}): Generator<string> {
  yield `conflict ${row.id}${row.resolved ? ', settled' : ''}`;
  yield `${subjectOf(row)}: ${storyOf(row)}`;
  for (const side of ['initial', 'current', 'target'] as const) {
    const stands = side === row.resolution ? ', which stands' : '';
    yield `  ${side}: ${sideOf(row, row[side])}${stands}`;
  }
  if (row.resolution === 'value') yield '  another value stands';
  if (row.kind === 'path' && row.target !== null) {
    const [what, at] = [`${shortId(row.target)} ${pathText(row)}`, isFile ? '' : ' --to DIR'];
    yield `see theirs with \`plait ${isFile ? 'cat' : 'restore'} ${what}${at}\``;
  }
  if (!row.resolved) yield* waysOut(row);
}

/** How many there are, and where to look at them. */
export const openConflicts = (count: number): string =>
  `${plural(count, 'conflict')} to settle: \`plait conflicts list\``;

/** Of a session or a merge: a line or two each, and no more of them than can be read. A dry run has recorded none. */
export function* conflictLines(rows: readonly Shown[], { dryRun = false, limit = 10 } = {}): Generator<string> {
  for (const row of rows.slice(0, limit)) {
    yield `C ${subjectOf(row)}: ${storyOf(row)}`;
    if (row.kind === 'name') yield `  ${renameCommand(row)}`;
    else if (dryRun) yield `  ${outcomeOf(row)}`;
    else yield `  ${outcomeOf(row)}; settle it with \`plait conflicts resolve ${shortId(row.id)} ${flagsOf(row)}\``;
  }
  if (rows.length <= limit) return;
  const more = `  … and ${plural(rows.length - limit, 'conflict')} more`;
  yield dryRun ? more : `${more}: \`plait conflicts list\``;
}

export function* resolvedLines(result: Resolved): Generator<string> {
  for (const { message } of result.problems) yield `problem: ${showText(message)}`;
  yield `conflict ${shortId(result.id)}, ${subjectOf(result)}: ${result.problems.length > 0 ? 'still open' : 'settled'}`;
  if (result.restored && result.resolved) {
    const side = result.resolution === 'target' ? 'theirs' : 'ours';
    yield `  ${side} is in the working directory now: save it with \`plait snapshot\``;
  }
}

/** What it is about, as a phrase. */
export function subjectOf(row: Shown): string {
  const object = objectOf(row);
  if (row.kind === 'path') return `path ${pathText(row)}`;
  if (row.kind === 'name' || row.kind === 'delete') return object;
  const key = attrKeyOf(row.field);
  return `${key === undefined ? row.field : `attribute ${showText(key)}`} of ${object}`;
}

function objectOf({ object, objectName, volset }: Shown): string {
  const at = object.indexOf(':');
  if (at < 0) return volset ? `volume set ${showText(volset)}` : 'the volume set';
  const name = objectName ? showText(objectName) : shortId(object.slice(at + 1));
  return `${object.slice(0, at)} ${name}`;
}

function storyOf(row: Shown): string {
  const { kind, initial, current, target } = row;
  if (kind === 'name') return `another one has the same name, ${value(target ?? current)}`;
  if (kind === 'delete')
    return `deleted on one side (${current === null ? 'current' : 'target'}) and edited on the other`;
  if (kind === 'path') return initial === null ? 'added on both sides' : 'changed on both sides';
  return `${brief(value(current))} here, ${brief(value(target))} there`;
}

/** Which value stands, as a clause. */
function outcomeOf({ kind, resolution, current, target }: Shown): string {
  if (kind === 'delete') return 'what was edited stays';
  if (kind === 'path') return resolution === 'target' ? 'theirs is in place' : 'ours is left in place';
  if (resolution === 'value') return 'another value stands';
  return `${brief(value(resolution === 'current' ? current : target))} stands`;
}

const FIELD_FLAGS = '--current|--target|--value TEXT';

const flagsOf = ({ kind }: Shown): string =>
  kind === 'path' || kind === 'delete' ? '--current|--target' : FIELD_FLAGS;

function* waysOut(row: ConflictRow): Generator<string> {
  if (row.kind === 'name') {
    yield renameCommand(row);
    return;
  }
  const command = `plait conflicts resolve ${shortId(row.id)}`;
  yield 'settle it with one of';
  for (const side of ['current', 'target'] as const) yield `  ${command} --${side}${effectOf(row, side)}`;
  if (row.kind !== 'path' && row.kind !== 'delete') yield `  ${command} --value TEXT`;
}

/** What choosing a side does, where its name does not say so. */
function effectOf(row: ConflictRow, side: 'current' | 'target'): string {
  if (row.kind === 'delete') return row[side] === null ? '   (delete it)' : '   (keep it)';
  if (row.kind !== 'path') return '';
  if (side === row.resolution) return '   (leave the file as it is)';
  if (row[side] === null) return '   (delete the file)';
  return `   (restore ${side === 'target' ? 'theirs' : 'ours'} into the working directory)`;
}

function renameCommand(row: Shown): string {
  const { object, objectName, volset } = row;
  const [topic, name] = object.startsWith('branch:') ? ['branch', objectName] : ['volset', volset];
  return `it is shown as ${value(name ?? null)}; rename one of the two with \`plait ${topic} rename ${showText(name ?? 'NAME')} NEW\``;
}

/** A side's value. Of a deletion and a path, null is the side that deleted. */
function sideOf({ kind }: Shown, side: string | null): string {
  if (kind === 'path') return side === null ? 'not there' : `as in snapshot ${shortId(side)}`;
  if (kind === 'delete') return side === null ? 'deleted' : value(side);
  return value(side);
}

function value(text: string | null): string {
  if (text === null) return 'nothing';
  const shown = showText(text);
  return shown.startsWith('"') ? shown : `"${shown}"`;
}

const brief = (text: string): string => (text.length <= WIDTH ? text : `${text.slice(0, WIDTH - 1)}…`);

const pathText = (row: Shown): string => (row.pathBase64 === undefined ? showText(row.field) : showPath(pathOf(row)));
