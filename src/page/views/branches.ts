/** The branches of a volset and where they end. Tips move by the feed; what the snapshots are is read for those alone. */
import type { SnapshotId } from '../../core/ids.ts';
import { type HistoryAsk, type HistoryPage, type HistoryRow, MAX_VIEW_ROWS } from '../../wire/views.ts';
import { h, replace } from '../dom.ts';
import { plural, shortId, time } from '../format.ts';
import { throttled } from '../live/throttled.ts';
import type { ShownBranch, VolsetLive } from '../live/volset-live.ts';
import { tickAges } from '../parts/ages.ts';
import { emptyNotice } from '../parts/notice.ts';
import { type Column, sortedTable } from '../parts/sorted-table.ts';
import { volsetHead } from '../parts/volset-head.ts';
import { href } from '../router.ts';
import { name } from '../text.ts';
import type { View, ViewContext } from '../view.ts';

const MANY = 8;
/** Rows that are drawn unless one filters. */
const AT_FIRST = 300;

export async function branches(context: ViewContext): Promise<View> {
  const live = context.follow(context.place[1]);
  const details = await live.ready();
  const list = new BranchList(context, live);
  list.show();
  live.onChange(
    throttled(() => list.show(), context.signal),
    context.signal,
  );
  tickAges(list.node, context.signal);
  const node = h('section', null, volsetHead(context, live, 'branches'), list.node);
  return { title: `Branches of ${details.name}`, node };
}

class BranchList {
  readonly #context: ViewContext;
  readonly #live: VolsetLive;
  readonly #tips = new Map<string, HistoryRow | undefined>();
  readonly #table = sortedTable('Branches', this.#columns(), 0);
  readonly #note = h('div', { role: 'status' });
  readonly #filter = h('input', {
    type: 'search',
    id: 'branch-part',
    autocomplete: 'off',
    on: { input: () => this.show() },
  });
  readonly #tools = h(
    'div',
    { class: 'view-tools', role: 'search' },
    h('label', { for: 'branch-part' }, 'Filter'),
    this.#filter,
  );
  readonly node = h('div', null, this.#tools, this.#table.node, this.#note);

  constructor(context: ViewContext, live: VolsetLive) {
    this.#context = context;
    this.#live = live;
  }

  show(): void {
    const all = this.#live.branches;
    this.#tools.hidden = all.length < MANY;
    const wanted = this.#tools.hidden ? '' : this.#filter.value.trim().toLowerCase();
    const found = all.filter((branch) => branch.name.toLowerCase().includes(wanted));
    const shown = found.slice(0, AT_FIRST);
    this.#table.node.hidden = shown.length === 0;
    this.#table.show(shown);
    const more = found.length - shown.length;
    if (all.length === 0) replace(this.#note, emptyNotice('No branch is here.'));
    else if (found.length === 0) replace(this.#note, emptyNotice('No name has this in it.'));
    else replace(this.#note, more > 0 && h('p', { class: 'hint' }, `${plural(more, 'more')}: filter to see them.`));
    void this.#look(shown);
  }

  /** What the tips are that are not known yet. */
  async #look(shown: readonly ShownBranch[]): Promise<void> {
    const unknown = new Set(shown.flatMap(({ tip }) => (tip === null || this.#tips.has(tip) ? [] : [tip])));
    if (unknown.size === 0) return;
    for (const tip of unknown) this.#tips.set(tip, undefined);
    const { api, signal } = this.#context;
    const from = [...unknown] as SnapshotId[];
    const ask: HistoryAsk = { from, limit: MAX_VIEW_ROWS, only: true };
    const path = `/v1/volsets/${this.#live.volset}/history`;
    // Not to be had: the rows go without.
    const page = await api.post<HistoryPage>(path, ask, { signal }).catch(() => undefined);
    for (const row of page?.rows ?? []) this.#tips.set(row.id, row);
    if (page && !signal.aborted) this.show();
  }

  #columns(): Column<ShownBranch>[] {
    const tipOf = (branch: ShownBranch): HistoryRow | undefined => this.#tips.get(branch.tip ?? '');
    return [
      { label: 'Branch', key: (branch) => branch.name.toLowerCase(), cell: (branch) => name(branch.name) },
      {
        label: 'Newest snapshot',
        cell: (branch) => this.#tip(branch.tip, tipOf(branch)),
      },
      {
        label: 'Age',
        key: (branch) => -(tipOf(branch)?.created ?? 0),
        cell: (branch) => {
          const tip = tipOf(branch);
          return tip && !tip.forgotten ? time(tip.created, Date.now()) : '';
        },
      },
    ];
  }

  #tip(tip: string | null, details: HistoryRow | undefined): HTMLElement {
    if (tip === null) return h('span', { class: 'soft' }, 'no snapshot yet');
    const link = h('a', { href: href('v', this.#live.volset, 's', tip), title: tip }, h('code', null, shortId(tip)));
    const said = details?.description || details?.name;
    return h('span', null, link, said ? [' ', name(said.slice(0, 200), 'name soft')] : null);
  }
}
