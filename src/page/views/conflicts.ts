/** What two sides of a volset changed without knowing of each other, and is still to be settled. */
import type { ConflictsPage } from '../../wire/views.ts';
import { conflictCard } from '../conflicts/card.ts';
import { h, replace } from '../dom.ts';
import { plural } from '../format.ts';
import { throttled } from '../live/throttled.ts';
import { emptyNotice } from '../parts/notice.ts';
import { volsetHead } from '../parts/volset-head.ts';
import { volsetOf } from '../tree/place.ts';
import type { View, ViewContext } from '../view.ts';

/** Drawn at once; a button brings as many more. */
const STEP = 50;

export async function conflicts(context: ViewContext): Promise<View> {
  const { api, signal, place } = context;
  const volset = volsetOf(place);
  const live = context.follow(volset);
  const read = (): Promise<ConflictsPage> => api.get<ConflictsPage>(`/v1/volsets/${volset}/conflicts`, { signal });
  const [first, details] = await Promise.all([read(), live.ready()]);
  const list = new ConflictList(volset);
  list.show(first);
  live.onChange(
    throttled(async () => list.show(await read()), signal),
    signal,
  );
  const node = h('section', null, volsetHead(context, live, 'conflicts'), list.node);
  return { title: `Conflicts of ${details.name}`, node };
}

/** Cards that did not change stay, and whatever is focused in them. */
class ConflictList {
  readonly node = h('div', { class: 'conflicts' });
  readonly #volset: string;
  readonly #told = h('p', { class: 'hint', role: 'status' });
  readonly #list = h('div');
  readonly #foot = h('div', { class: 'list-foot' });
  readonly #cards = new Map<string, { json: string; card: HTMLElement }>();
  #page: ConflictsPage = { conflicts: [], more: 0 };
  #most = STEP;

  constructor(volset: string) {
    this.#volset = volset;
    this.node.append(this.#told, this.#list, this.#foot);
  }

  show(page: ConflictsPage): void {
    this.#page = page;
    const open = page.conflicts.length + page.more;
    this.#told.textContent = open === 0 ? '' : `${plural(open, 'conflict')} to settle, newest first.`;
    const shown = page.conflicts.slice(0, this.#most);
    const ids = new Set<string>(shown.map(({ id }) => id));
    for (const [id, { card }] of this.#cards) {
      if (ids.has(id)) continue;
      card.remove();
      this.#cards.delete(id);
    }
    this.#order(shown.map((row) => this.#card(row)));
    const rest = page.conflicts.length - shown.length;
    replace(
      this.#foot,
      open === 0 && emptyNotice('Nothing to settle: no two sides changed one thing without knowing of each other.'),
      rest > 0 &&
        h(
          'button',
          { type: 'button', on: { click: () => this.#more() } },
          `Show more: ${plural(rest, 'conflict')} follow`,
        ),
      rest === 0 &&
        page.more > 0 &&
        h('p', { class: 'hint' }, `${plural(page.more, 'conflict')} more: `, h('code', null, 'plait conflicts list')),
    );
  }

  #more(): void {
    const from = this.#most;
    this.#most += STEP;
    this.show(this.#page);
    const next = this.#list.children[from] as HTMLElement | undefined;
    next?.setAttribute('tabindex', '-1');
    next?.focus({ preventScroll: true });
  }

  #order(cards: HTMLElement[]): void {
    for (const [i, card] of cards.entries())
      if (this.#list.children[i] !== card) this.#list.insertBefore(card, this.#list.children[i] ?? null);
  }

  #card(row: ConflictsPage['conflicts'][number]): HTMLElement {
    const json = JSON.stringify(row);
    const known = this.#cards.get(row.id);
    if (known?.json === json) return known.card;
    const card = conflictCard(this.#volset, row);
    known?.card.replaceWith(card);
    this.#cards.set(row.id, { json, card });
    return card;
  }
}
