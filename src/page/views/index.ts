/** Which view an address opens. */
import { PlaitError } from '../../core/errors.ts';
import type { View, ViewContext, ViewMaker } from '../view.ts';
import { activity } from './activity.ts';
import { branches } from './branches.ts';
import { conflicts } from './conflicts.ts';
import { diff } from './diff.ts';
import { health } from './health.ts';
import { history } from './history.ts';
import { members } from './members.ts';
import { overview } from './overview.ts';
import { sizes } from './sizes.ts';
import { snapshot, snapshotFiles } from './snapshot.ts';
import { textDiff } from './text-diff.ts';

type Row = [pattern: string, make: ViewMaker];

/** `:` stands for any one segment, `*` for any that may be there or not. */
const VIEWS: Row[] = [
  ['', overview],
  ['v/:', history],
  ['activity', activity],
  ['health', health],
  ['v/:/conflicts', conflicts],
  ['v/:/s/:', snapshot],
  ['v/:/s/:/files/:', snapshotFiles],
  ['v/:/diff/:/:', diff],
  ['v/:/diff/:/:/text/:', textDiff],
  ['v/:/branches', branches],
  ['v/:/members', members],
  ['v/:/sizes', sizes],
];

export async function viewOf(context: ViewContext): Promise<View> {
  const found = VIEWS.find(([pattern]) => matches(pattern.split('/').filter(Boolean), context.place));
  if (!found) throw new PlaitError('not-found', 'this page has no such view', { hint: 'go to Volume sets' });
  return found[1](context);
}

function matches(pattern: string[], place: readonly string[]): boolean {
  const needed = pattern.filter((part) => part !== '*').length;
  if (place.length < needed || place.length > pattern.length) return false;
  return place.every((part, i) => pattern[i] === ':' || pattern[i] === '*' || pattern[i] === part);
}
