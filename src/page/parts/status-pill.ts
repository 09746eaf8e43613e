/** The feed's status, where everybody looks: words and a sign, never a colour alone. */
import { h, replace } from '../dom.ts';
import type { LiveStatus } from '../live/status.ts';

const WORDS: Record<LiveStatus['status'], [text: string, title: string]> = {
  waiting: ['connecting', 'The feed is being opened'],
  resync: ['catching up', 'The feed is open; the state is being read'],
  'in-sync': ['live', 'Everything shown is as the hub has it'],
  paused: ['paused', 'Nobody looked at this page, so its feed was closed; it is opened again now that somebody does'],
  lost: ['not connected', 'The feed was lost and is opened again by itself; what is shown may be old'],
};

export class StatusPill {
  readonly node = h('p', { class: 'pill', role: 'status', 'aria-live': 'polite' });
  #shown = '';

  show(status: LiveStatus): void {
    const [text, title] = WORDS[status.status];
    const key = `${status.status} ${status.status === 'lost' ? status.why : ''}`;
    this.node.title = status.status === 'lost' ? `${title}: ${status.why}` : title;
    this.node.dataset.revision =
      status.status === 'in-sync' && status.revision !== undefined ? String(status.revision) : '';
    if (key === this.#shown) return;
    this.#shown = key;
    this.node.dataset.status = status.status;
    replace(
      this.node,
      h('span', { class: 'dot', 'aria-hidden': 'true' }),
      h('span', { class: 'sr-only' }, 'Feed: '),
      text,
    );
  }
}
