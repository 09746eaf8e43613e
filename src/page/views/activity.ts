/** What the hub is at: transfers, its own queues, who follows, and when things last went well. */
import type { Activity } from '../../wire/views.ts';
import { Rates } from '../activity/rates.ts';
import { queues, stampsTable, transfersTable } from '../activity/tables.ts';
import { h } from '../dom.ts';
import { count, plural } from '../format.ts';
import { facts } from '../parts/facts.ts';
import { KeptPart } from '../parts/kept-part.ts';
import { polled } from '../poll.ts';
import type { View, ViewContext } from '../view.ts';

const EVERY_MS = 2000;

export async function activity({ api, signal }: ViewContext): Promise<View> {
  const rates = new Rates();
  const [sums, transfers, queued, stamps] = Array.from({ length: 4 }, () => new KeptPart(h('div')));
  const show = (told: Activity): void => {
    rates.note(told);
    sums.draw(sumsOf(told));
    transfers.draw(transfersTable(told, rates));
    queued.draw(queues(told));
    stamps.draw(stampsTable(told));
  };
  const read = (): Promise<Activity> => api.get<Activity>('/v1/activity', { signal });
  const wrong = await polled({ everyMs: EVERY_MS, read, show, signal });
  const node = h(
    'section',
    { class: 'activity' },
    h('h1', null, 'Activity'),
    wrong,
    sums.node,
    h('h2', null, 'Transfers in progress'),
    transfers.node,
    h('h2', null, 'Queues'),
    queued.node,
    h('h2', null, 'When things last went well'),
    stamps.node,
  );
  return { title: 'Activity', node };
}

function sumsOf({ transfers, queues: all, followers }: Activity): HTMLElement {
  const waiting = all.reduce((sum, queue) => sum + queue.waiting, 0);
  const dead = all.reduce((sum, queue) => sum + queue.dead, 0);
  return facts(
    ['Transfers', count(transfers.length)],
    ['Waiting to be sent', plural(waiting, 'snapshot')],
    dead > 0 && ['Given up', h('span', { class: 'bad' }, plural(dead, 'snapshot'))],
    ['Following now', plural(followers, 'feed')],
  );
}
