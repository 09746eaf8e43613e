/** What is known of a snapshot, and the way to its parents and to what it changed. */
import { showText } from '../../core/paths.ts';
import type { SnapshotDetails } from '../../wire/views.ts';
import { type Child, h } from '../dom.ts';
import { bytes, count, dateTime, plural, shortId, time } from '../format.ts';
import { copyButton } from '../parts/copy-button.ts';
import { facts } from '../parts/facts.ts';
import { name } from '../text.ts';
import { hrefOf, hrefOfDiff } from './place.ts';

export const titleOf = ({ name: own, id }: Pick<SnapshotDetails, 'name' | 'id'>): string =>
  own === null ? `Snapshot ${shortId(id)}` : showText(own);

export function snapshotFacts(volset: string, details: SnapshotDetails): HTMLElement {
  const { id, created, creator, owner, tips, damaged, hasBlob, forgotten } = details;
  return h(
    'div',
    { class: 'snapshot-facts' },
    details.description !== null && h('p', { class: 'about text' }, name(details.description)),
    facts(
      ['Id', idOf(id)],
      !forgotten && ['Created', time(created, Date.now()), h('span', { class: 'exact' }, dateTime(created))],
      !forgotten && ['Creator', name(creator)],
      owner !== null && ['Owner', name(owner)],
      !forgotten && ['Size', `${bytes(details.bytes)} in ${plural(details.files, 'file')}`],
      ['Data', damaged ? h('span', { class: 'bad' }, 'damaged') : hasBlob ? 'here' : 'not here'],
      tips.length > 0 && ['Tip of', tips.map(tipTag)],
      [
        details.parents.length > 1 ? `Parents (${count(details.parents.length)})` : 'Parent',
        parentsOf(volset, details),
      ],
      ['Changes', changesOf(volset, details)],
    ),
    attributes(details.attrs),
  );
}

function idOf(id: string): Child {
  const code = h('code', { title: id }, shortId(id));
  return [code, ' ', copyButton(id, 'the id of the snapshot')];
}

function tipTag({ branch, store }: SnapshotDetails['tips'][number]): Child {
  const where = store === null ? '' : ` at ${showText(store)}`;
  return [
    h('span', { class: 'tag', title: `${showText(branch)}${where}` }, name(branch), where && h('bdi', null, where)),
    ' ',
  ];
}

const parentsOf = (volset: string, { parents }: SnapshotDetails): Child =>
  parents.length === 0
    ? 'none'
    : parents.map((snapshot) => [
        h('a', { class: 'mono', href: hrefOf({ volset, snapshot }) }, shortId(snapshot)),
        ' ',
      ]);

function changesOf(volset: string, { id, parents }: SnapshotDetails): Child {
  const link = (from: string | null, text: string): Child => [
    h('a', { href: hrefOfDiff(volset, from, id) }, text),
    ' ',
  ];
  if (parents.length === 0) return link(null, 'all as added');
  return parents.map((from) => link(from, parents.length === 1 ? 'against parent' : `against ${shortId(from)}`));
}

function attributes(attrs: Record<string, string>): Child {
  const all = Object.entries(attrs).sort(([a], [b]) => (a < b ? -1 : 1));
  if (all.length === 0) return null;
  return h(
    'details',
    { class: 'attrs', open: all.length <= 12 },
    h('summary', null, plural(all.length, 'attribute')),
    h(
      'dl',
      null,
      all.map(([key, value]) => h('div', null, h('dt', null, name(key)), h('dd', null, name(value)))),
    ),
  );
}
