/** How `forget` reads to people: names, dates and paths rather than hashes. */
import { showText } from '../../core/paths.ts';
import type { ForgetResult } from '../../sync/forget.ts';
import { formatTime, plural, shortId } from '../format.ts';
import { shownPath } from './tree.ts';

export function forgetLines({ forgotten, dryRun, remotes }: ForgetResult): string[] {
  const unsure = remotes.filter(({ mayDelete }) => mayDelete === null).map(({ name }) => name);
  return [
    `${plural(forgotten.length, 'snapshot')} ${dryRun ? 'would be forgotten' : 'forgotten'}`,
    ...forgotten.flatMap(rowLines),
    ...(dryRun
      ? []
      : ['  others hear of it with the next push or sync; the data goes with the next `plait gc` of each store']),
    ...(unsure.length > 0 ? [`  ${unsure.join(', ')} did not say whether it lets us delete`] : []),
  ];
}

function rowLines({ snapshot, name, description, created, paths }: ForgetResult['forgotten'][number]): string[] {
  const called = name === null ? shortId(snapshot) : `${showText(name)} (${shortId(snapshot)})`;
  const said = description === null ? '' : `: ${showText(description)}`;
  return [
    `  ${called}${created === null ? '' : ` of ${formatTime(Date.parse(created))}`}${said}`,
    ...(paths.length > 0 ? [`    the only version of ${paths.map(shownPath).join(', ')}`] : []),
  ];
}
