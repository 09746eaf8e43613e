/** The history of a volset as a graph. It is read page by page as one scrolls, and what is new appears on top. */
import { PlaitError } from '../../core/errors.ts';
import type { SnapshotId } from '../../core/ids.ts';
import type { HistoryAsk, HistoryPage, VolsetDetails } from '../../wire/views.ts';
import { h, replace } from '../dom.ts';
import { plural } from '../format.ts';
import { HistoryList } from '../graph/history-list.ts';
import { type Tag, tagsOf } from '../graph/tags.ts';
import { throttled } from '../live/throttled.ts';
import type { VolsetLive } from '../live/volset-live.ts';
import { tickAges } from '../parts/ages.ts';
import { BranchFilter } from '../parts/branch-filter.ts';
import { CompareBar } from '../parts/compare-bar.ts';
import { historyHeads, historyRow, type RowContext, shownOf } from '../parts/history-row.ts';
import { emptyNotice, errorNotice } from '../parts/notice.ts';
import { volsetHead } from '../parts/volset-head.ts';
import { Windowed } from '../parts/windowed.ts';
import type { View, ViewContext } from '../view.ts';

const PAGE = 100;
const NARROW = window.matchMedia('(max-width: 40rem)');

export async function history(context: ViewContext): Promise<View> {
  const volset = context.place[1];
  const live = context.follow(volset);
  // Beside the feed, which the view has to wait for.
  const [details, first] = await Promise.all([live.ready(), readPage(context, volset, null)]);
  const graph = new Graph(context, live, details);
  await graph.begin(first);
  return { title: details.name, node: graph.node };
}

function readPage({ api, signal }: ViewContext, volset: string, from: HistoryAsk['from']): Promise<HistoryPage> {
  const ask: HistoryAsk = { from, limit: PAGE };
  return api.post<HistoryPage>(`/v1/volsets/${volset}/history`, ask, { signal });
}

class Graph {
  readonly #context: ViewContext;
  readonly #live: VolsetLive;
  #details: VolsetDetails;
  #list = new HistoryList();
  #tags = new Map<string, Tag[]>();
  #paging: Promise<void> | undefined;
  /** Of what is shown: another branch may be chosen while a page is on its way. */
  #asked = 0;
  readonly #rows: Windowed;
  readonly #compare: CompareBar;
  readonly #filter: BranchFilter;
  readonly #table = h('div', {
    class: 'history',
    role: 'table',
    'aria-label': 'History',
    on: { keydown: (event) => this.#key(event as KeyboardEvent) },
  });
  readonly #foot = h('div', { class: 'history-foot' });
  readonly #said = h('p', { class: 'hint', role: 'status' });
  readonly node: HTMLElement;

  constructor(context: ViewContext, live: VolsetLive, details: VolsetDetails) {
    this.#context = context;
    this.#live = live;
    this.#details = details;
    const { signal } = context;
    this.#rows = new Windowed({
      key: (index) => this.#list.rows[index].id,
      row: (index) => historyRow(this.#list.rows[index], this.#list.laid(index), this.#rowContext()),
      shown: (index) => shownOf(this.#list.rows[index], this.#list.laid(index), this.#rowContext()),
      nearEnd: () => void this.#more(),
      signal,
    });
    this.#compare = new CompareBar(
      details.id,
      (id) => this.#list.indexOf(id) ?? 0,
      () => this.#draw(0),
    );
    this.#filter = new BranchFilter(() => void this.#again());
    this.#table.append(historyHeads(), this.#rows.node);
    const tools = h('div', { class: 'view-tools' }, this.#filter.node, this.#said);
    const head = volsetHead(context, live, 'history', (next) => this.#tell(next));
    this.node = h('section', { class: 'history-view' }, head, tools, this.#table, this.#foot, this.#compare.node);
    live.onChange(
      throttled(() => this.#refresh(), signal),
      signal,
    );
    NARROW.addEventListener('change', () => this.#draw(0), { signal });
    tickAges(this.#table, signal);
  }

  /** @param first page of all there is; of what came between it and the state, no feed would tell. */
  async begin(first: HistoryPage): Promise<void> {
    this.#filter.show(this.#live.branches);
    const isOld = first.revision < this.#details.revision;
    this.#list.append(isOld ? await this.#page(this.#from()) : first);
    this.#draw(0);
  }

  #page(from: HistoryAsk['from']): Promise<HistoryPage> {
    return readPage(this.#context, this.#details.id, from);
  }

  /** null: all there is. */
  #from(): HistoryAsk['from'] {
    const tip = this.#filter.tip;
    return tip === undefined ? null : tip === null ? [] : [tip as SnapshotId];
  }

  async #again(): Promise<void> {
    const asked = ++this.#asked;
    try {
      const page = await this.#page(this.#from());
      if (asked !== this.#asked) return;
      this.#list = new HistoryList();
      this.#list.append(page);
      replace(this.#foot);
      this.#draw(0);
    } catch (error) {
      this.#failed(error, () => void this.#again());
    }
  }

  /** The first page as it is now, and the rows that are looked at; nothing else is read again. */
  async #refresh(): Promise<void> {
    this.#filter.show(this.#live.branches);
    const asked = this.#asked;
    const page = await this.#page(this.#from());
    if (asked !== this.#asked) return;
    const { added, anew } = this.#list.joinFirst(page);
    this.#draw(anew ? 0 : added);
    const first = new Set<string>(page.rows.map(({ id }) => id));
    await this.#patch(this.#rows.drawn.filter((id) => !first.has(id)));
    if (added > 0) this.#said.textContent = `${plural(added, 'new snapshot')} on top.`;
  }

  /** What the rows say may have changed: data that came, a description. */
  async #patch(ids: string[]): Promise<void> {
    if (ids.length === 0) return;
    const { api, signal } = this.#context;
    const ask: HistoryAsk = { from: ids as SnapshotId[], limit: ids.length, only: true };
    const { rows } = await api.post<HistoryPage>(`/v1/volsets/${this.#details.id}/history`, ask, { signal });
    this.#list.patch(rows);
    this.#rows.draw();
  }

  #more(): Promise<void> {
    if (this.#list.next.length === 0 || this.#foot.querySelector('[role=alert]')) return Promise.resolve();
    this.#paging ??= this.#readMore().finally(() => {
      this.#paging = undefined;
      this.#rows.draw();
    });
    return this.#paging;
  }

  async #readMore(): Promise<void> {
    const [asked, list] = [this.#asked, this.#list];
    try {
      const next = [...list.next];
      const page = await this.#page(next);
      // What came in on top may have begun anew meanwhile.
      if (asked !== this.#asked || !same(next, list.next)) return;
      if (same(next, page.next)) throw new PlaitError('protocol', 'the hub gave the same page again');
      list.append(page);
      this.#draw(0);
    } catch (error) {
      this.#failed(error, () => {
        replace(this.#foot);
        void this.#more();
      });
    }
  }

  #failed(error: unknown, retry: () => void): void {
    if (!this.#context.signal.aborted) replace(this.#foot, errorNotice(error, retry));
  }

  #tell(details: VolsetDetails): void {
    this.#details = details;
    this.#draw(0);
  }

  #draw(added: number): void {
    const { rows, next } = this.#list;
    const { memberList, remoteList } = this.#details;
    this.#tags = tagsOf(this.#live.branches, memberList, remoteList);
    const rem = Number.parseFloat(getComputedStyle(document.documentElement).fontSize) || 15;
    const height = Math.round(rem * (NARROW.matches ? 4 : 2.5));
    this.#table.setAttribute('aria-rowcount', next.length > 0 ? '-1' : String(rows.length + 1));
    this.#table.style.setProperty('--graph', `${this.#list.width * this.#pitch}px`);
    this.#table.hidden = rows.length === 0;
    this.#rows.set(rows.length, height, added);
    if (rows.length === 0) replace(this.#foot, emptyNotice('No snapshot is here yet.'));
    else if (!this.#foot.querySelector('[role=alert]'))
      replace(
        this.#foot,
        h(
          'p',
          { class: 'hint' },
          next.length > 0 ? 'More is read as you scroll …' : `${plural(rows.length, 'snapshot')}, to the first.`,
        ),
      );
  }

  get #pitch(): number {
    return NARROW.matches ? 9 : 15;
  }

  #rowContext(): RowContext {
    return {
      volset: this.#details.id,
      measures: { width: this.#list.width, pitch: this.#pitch, height: this.#rows.height },
      tags: this.#tags,
      chosen: this.#compare.chosen,
      choose: (id, on) => this.#compare.choose(id, on),
      now: Date.now(),
    };
  }

  #key(event: KeyboardEvent): void {
    const at = this.#rows.focusedIndex;
    const to = at !== undefined && !event.altKey && !event.ctrlKey && !event.metaKey && this.#target(event.key, at);
    if (typeof to !== 'number') return;
    event.preventDefault();
    const tag = (event.target as HTMLElement).tagName === 'INPUT' ? 'input' : 'a.open';
    this.#rows.focus(to, tag);
  }

  #target(key: string, at: number): number | undefined {
    const last = this.#list.rows.length - 1;
    const page = this.#rows.fitting;
    const moves: Record<string, number> = {
      ArrowUp: at - 1,
      ArrowDown: at + 1,
      PageUp: at - page,
      PageDown: at + page,
      Home: 0,
      End: last,
    };
    return Object.hasOwn(moves, key) ? Math.max(0, Math.min(last, moves[key])) : undefined;
  }
}

const same = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((id, i) => id === b[i]);
