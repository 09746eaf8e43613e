/** What a hub is at, as tables. */
import { showText } from '../../core/paths.ts';
import type { Activity } from '../../wire/views.ts';
import { type Child, h } from '../dom.ts';
import { bytes, count, plural, shortId, time } from '../format.ts';
import { emptyNotice } from '../parts/notice.ts';
import { href } from '../router.ts';
import { name } from '../text.ts';
import { hrefOf } from '../tree/place.ts';
import type { Rates } from './rates.ts';

type Queue = Activity['queues'][number];

export function transfersTable({ transfers, now }: Activity, rates: Rates): HTMLElement {
  if (transfers.length === 0) return emptyNotice('No transfer is in progress.');
  const rows = transfers.map((transfer) => {
    const { direction, volset, volsetName, by, snapshots, since, used } = transfer;
    const rate = rates.of(transfer);
    return [
      direction === 'up' ? '↑ to this hub' : '↓ from this hub',
      volsetLink(volset, volsetName),
      name(by),
      count(snapshots),
      bytes(transfer.bytes),
      rate === undefined ? '' : `${bytes(Math.round(rate))}/s`,
      time(since, now),
      time(used, now),
    ];
  });
  const heads = ['Direction', 'Volume set', 'Who', '#Snapshots', '#So far', '#Rate', 'Since', 'Last heard'];
  return table('Transfers in progress', heads, rows);
}

/** Links to a volset that has no name here yet would lead nowhere. */
const volsetLink = (volset: string, own: string | null): Child =>
  own === null ? h('code', null, shortId(volset)) : h('a', { href: href('v', volset) }, name(own));

export const queues = ({ queues: all, now }: Activity): HTMLElement =>
  all.length === 0
    ? emptyNotice('Nothing waits to be sent from this hub.')
    : h(
        'div',
        null,
        all.map((queue) => queueBox(queue, now)),
      );

function queueBox({ remote, volset, volsetName, waiting, dead, items }: Queue, now: number): HTMLElement {
  const rows = items.map((item) => [
    h('a', { class: 'mono', href: hrefOf({ volset, snapshot: item.snapshot }) }, shortId(item.snapshot)),
    item.priority,
    time(item.added, now),
    count(item.attempts),
    item.dead ? h('span', { class: 'bad' }, '✗ given up') : 'waiting',
    item.error === null ? '' : name(item.error),
  ]);
  const rest = waiting + dead - items.length;
  return h(
    'div',
    { class: 'card queue' },
    h('h3', null, volsetLink(volset, volsetName), ' to ', name(remote)),
    h(
      'p',
      { class: 'hint' },
      plural(waiting, 'snapshot'),
      ' waiting',
      dead > 0 && h('span', { class: 'bad' }, `, ${count(dead)} given up`),
    ),
    items.length > 0 &&
      table(`Queue to ${showText(remote)}`, ['Snapshot', 'Priority', 'Added', '#Tries', 'State', 'Last error'], rows),
    rest > 0 && h('p', { class: 'hint' }, `and ${plural(rest, 'snapshot')} more`),
  );
}

export function stampsTable({ stamps, now }: Activity): HTMLElement {
  if (stamps.length === 0) return emptyNotice('Nothing is known yet.');
  const rows = stamps.map(({ what, volset, volsetName, at }) => [
    name(what),
    volset === null ? 'the whole store' : volsetLink(volset, volsetName),
    time(at, now),
  ]);
  return table('When things last went well', ['What', 'Volume set', 'When'], rows);
}

/** A head that begins with `#` is one of figures. */
export function table(caption: string, heads: string[], rows: Child[][]): HTMLElement {
  const columns = heads.map((head) => ({ label: head.replace(/^#/, ''), class: head.startsWith('#') && 'number' }));
  const head = columns.map(({ label, class: kind }) => h('th', { scope: 'col', class: kind || undefined }, label));
  const body = rows.map((cells) =>
    h(
      'tr',
      null,
      cells.map((cell, i) =>
        h('td', { 'data-label': columns[i].label, class: columns[i].class || undefined }, h('span', null, cell)),
      ),
    ),
  );
  return h(
    'div',
    { class: 'scroll' },
    h(
      'table',
      { class: 'table stack', 'aria-label': caption },
      h('thead', null, h('tr', null, head)),
      h('tbody', null, body),
    ),
  );
}
