/** How `gc` and `drop` read to people: names, dates and paths rather than hashes. */
import { showText } from '../../core/paths.ts';
import type { DropResult } from '../../sync/drop.ts';
import type { GcResult, GcVolset } from '../../sync/gc.ts';
import type { DroppedRow } from '../../sync/gc-plan.ts';
import { WHY } from '../../sync/gc-reasons.ts';
import { formatBytes, plural, shortId } from '../format.ts';
import { shownPath } from './tree.ts';

export function gcLines(result: GcResult): string[] {
  const { dryRun, dropped, kept, freedBytes, bytesAfter, writesDropped } = result;
  const would = dryRun ? 'would be ' : '';
  return [
    ...result.volsets.flatMap((volset) => volsetLines(volset, dryRun)),
    ...result.problems.map(({ message }) => `problem: ${showText(message)}`),
    `${plural(dropped, 'snapshot')} ${would}dropped here, ${kept} kept; ${formatBytes(freedBytes)} ${would}freed, ${formatBytes(bytesAfter)} ${dryRun ? 'would be left' : 'left'}`,
    ...(writesDropped > 0 ? [`  ${plural(writesDropped, 'edit')} that newer ones follow left the log`] : []),
  ];
}

function volsetLines({ volset, volsetId, dropped, kept }: GcVolset, dryRun: boolean): string[] {
  const name = volset === null ? `a deleted volume set (${shortId(volsetId)})` : showText(volset);
  const byReason = Map.groupBy(kept, ({ reason }) => reason);
  return [
    ...(dropped.length > 0 ? [`${name}: ${dryRun ? 'to be dropped here' : 'dropped here'}`] : []),
    ...dropped.flatMap(droppedLines),
    ...[...byReason].map(([reason, rows]) => `${name}: ${plural(rows.length, 'snapshot')} kept: ${WHY[reason]}`),
  ];
}

function droppedLines({ snapshot, name, description, created, branches, paths }: DroppedRow): string[] {
  const called = name === null ? shortId(snapshot) : showText(name);
  const on = branches.length > 0 ? ` on ${branches.map(showText).join(', ')}` : '';
  const said = description === null ? '' : `: ${showText(description)}`;
  return [
    `  ${called}${created === null ? '' : ` of ${created}`}${on}${said}`,
    ...(paths.length > 0 ? [`    last version here of ${paths.map(shownPath).join(', ')}`] : []),
  ];
}

export const dropLines = ({ dropped, kept, absent, dryRun, problems }: DropResult): string[] => [
  ...(dropped.length > 0 ? [dryRun ? 'to be dropped here' : 'dropped here'] : []),
  ...dropped.flatMap(droppedLines),
  ...kept.map(({ message }) => message),
  ...absent.map((id) => `${shortId(id)} was not here`),
  ...problems.map(({ message }) => `problem: ${showText(message)}`),
  ...(dropped.length > 0 && !dryRun ? ['`plait gc` frees the space'] : []),
];
