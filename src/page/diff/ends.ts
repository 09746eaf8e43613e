/** Both sides of a diff. */
import { isSnapshotId } from '../../core/ids.ts';
import type { SnapshotDetails } from '../../wire/views.ts';
import { h } from '../dom.ts';
import { shortId, time } from '../format.ts';
import { name } from '../text.ts';
import { apiOf, checked, hrefOf, volsetOf } from '../tree/place.ts';
import { titleOf } from '../tree/snapshot-facts.ts';
import type { ViewContext } from '../view.ts';

export interface Ends {
  volset: string;
  /** null: nothing, so that all is added. */
  from: SnapshotDetails | null;
  to: SnapshotDetails;
}

export async function readEnds({ api, place, signal }: ViewContext): Promise<Ends> {
  const volset = volsetOf(place);
  const read = (snapshot: string): Promise<SnapshotDetails> => api.get(apiOf({ volset, snapshot }), { signal });
  const to = checked(place[4], isSnapshotId);
  const from = place[3] === '-' ? null : checked(place[3], isSnapshotId);
  const [before, after] = await Promise.all([from === null ? null : read(from), read(to)]);
  return { volset, from: before, to: after };
}

/** `swap`: address with the sides changed; none where there is nothing on one. */
export function endsLine({ volset, from, to }: Ends, swap: string | undefined): HTMLElement {
  return h(
    'div',
    { class: 'ends' },
    h(
      'p',
      null,
      h('span', { class: 'side' }, 'From'),
      ' ',
      from ? end(volset, from) : 'nothing: all is shown as added',
    ),
    h('p', null, h('span', { class: 'side' }, 'To'), ' ', end(volset, to)),
    swap !== undefined && h('a', { class: 'swap', href: swap }, 'Swap sides'),
  );
}

function end(volset: string, { id, name: own, description, created }: SnapshotDetails): HTMLElement {
  return h(
    'span',
    null,
    h(
      'a',
      { href: hrefOf({ volset, snapshot: id }), class: own === null ? 'mono' : undefined },
      own === null ? shortId(id) : name(own),
    ),
    ' ',
    time(created, Date.now()),
    description && [' ', name(description, 'name soft')],
  );
}

export const diffTitle = ({ from, to }: Ends): string =>
  from ? `${titleOf(from)} to ${titleOf(to)}` : `All of ${titleOf(to)}`;
