/** The stores that take part in a volset, and how far each was when it was last heard of. */
import type { MemberRow, VolsetDetails } from '../../wire/views.ts';
import { append, h, replace } from '../dom.ts';
import { plural, shortId, time } from '../format.ts';
import { tickAges } from '../parts/ages.ts';
import { emptyNotice } from '../parts/notice.ts';
import { type Column, sortedTable } from '../parts/sorted-table.ts';
import { volsetHead } from '../parts/volset-head.ts';
import { href } from '../router.ts';
import { name } from '../text.ts';
import type { View, ViewContext } from '../view.ts';

export async function members(context: ViewContext): Promise<View> {
  const live = context.follow(context.place[1]);
  const details = await live.ready();
  const table = sortedTable('Members', columns(details.id), 0);
  const none = h('div');
  let shown = '';
  const show = ({ memberList }: VolsetDetails): void => {
    // Lists of tips that were opened stay so while nothing changes.
    const key = JSON.stringify(memberList);
    if (key === shown) return;
    shown = key;
    const open = new Set([...table.node.querySelectorAll<HTMLDetailsElement>('details[open]')].map(({ id }) => id));
    table.node.hidden = memberList.length === 0;
    table.show(memberList);
    for (const element of table.node.querySelectorAll('details')) element.open = open.has(element.id);
    replace(none, memberList.length === 0 && emptyNotice('No other store takes part yet.'));
  };
  show(details);
  tickAges(table.node, context.signal);
  const node = h('section', null, volsetHead(context, live, 'members', show), table.node, none);
  return { title: `Members of ${details.name}`, node };
}

const columns = (volset: string): Column<MemberRow>[] => [
  { label: 'Member', key: (member) => member.label.toLowerCase(), cell: (member) => name(member.label) },
  { label: 'Store', cell: ({ store }) => h('code', { title: store }, storeId(store)) },
  { label: 'Last seen', key: (member) => -member.lastSeen, cell: (member) => time(member.lastSeen, Date.now()) },
  { label: 'Behind', key: (member) => -(member.behind ?? 0), cell: behind },
  { label: 'State', key: (member) => member.state, cell: ({ state }) => state },
  { label: 'Branches', key: (member) => -member.tips.length, cell: (member) => tips(volset, member) },
];

/** Shortened, with what tells copies of one store apart. */
const storeId = (store: string): string => {
  const [id, ...copy] = store.split('.');
  return [shortId(id), ...copy].join('.');
};

function behind({ behind: lacks }: MemberRow): HTMLElement {
  if (lacks === undefined) return h('span', { class: 'soft' }, 'not said');
  return lacks === 0 ? h('span', { class: 'good' }, 'up to date') : h('span', null, plural(lacks, 'generation'));
}

function tips(volset: string, { store, tips: all }: MemberRow): HTMLElement {
  if (all.length === 0) return h('span', { class: 'soft' }, 'none known');
  const list = h('ul', { class: 'plain' });
  // Drawn when it is looked at: many members with many branches are too much for a page.
  const toggle = (): void => {
    if (!list.hasChildNodes()) append(list, [all.map((each) => tipItem(volset, each))]);
  };
  const summary = h('summary', null, plural(all.length, 'branch', 'branches'));
  return h('details', { id: `tips-${store}`, on: { toggle } }, summary, list);
}

const tipItem = (volset: string, { branch, tip }: MemberRow['tips'][number]): HTMLElement =>
  h(
    'li',
    null,
    name(branch),
    ' ',
    h('a', { href: href('v', volset, 's', tip), title: tip }, h('code', null, shortId(tip))),
  );
