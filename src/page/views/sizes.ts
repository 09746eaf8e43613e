/** Sizes and savings of a volset over time: what all its snapshots would take, what is stored, and each of them. */
import type { Sizes } from '../../wire/views.ts';
import { h, replace } from '../dom.ts';
import { bytes, dateTime, saved } from '../format.ts';
import { throttled } from '../live/throttled.ts';
import { emptyNotice } from '../parts/notice.ts';
import { volsetHead } from '../parts/volset-head.ts';
import { type Line, panel } from '../plot/panel.ts';
import { lastUpTo } from '../plot/scales.ts';
import type { View, ViewContext } from '../view.ts';

/** From this ratio on, what is stored would lie on the axis of a linear plot. */
const APART = 8;
const TABLE_ROWS = 40;

export async function sizes(context: ViewContext): Promise<View> {
  const { api, signal } = context;
  const live = context.follow(context.place[1]);
  const [details, first] = await Promise.all([live.ready(), read()]);
  const plots = new Plots();
  plots.show(first);
  live.onChange(
    throttled(async () => plots.show(await read()), signal),
    signal,
  );
  const size = new ResizeObserver(() => plots.draw());
  size.observe(plots.node);
  signal.addEventListener('abort', () => size.disconnect(), { once: true });
  const node = h('section', null, volsetHead(context, live, 'sizes'), plots.node);
  return { title: `Sizes of ${details.name}`, node };

  function read(): Promise<Sizes> {
    return api.get<Sizes>(`/v1/volsets/${context.place[1]}/sizes`, { signal });
  }
}

class Plots {
  readonly #words = h('p', { class: 'lead' });
  readonly #log = h('input', { type: 'checkbox', id: 'log-scale', on: { change: () => this.#chosen() } });
  readonly #tools = h(
    'div',
    { class: 'view-tools' },
    h('label', { for: 'log-scale' }, this.#log, ' Logarithmic scale'),
  );
  readonly #panels = h('div', { class: 'panels' });
  readonly #table = h('tbody');
  readonly #data = h(
    'details',
    { class: 'data' },
    h('summary', null, 'The same as a table'),
    h(
      'div',
      { class: 'scroll' },
      h(
        'table',
        { class: 'table', 'aria-label': 'Sizes over time' },
        h(
          'thead',
          null,
          h(
            'tr',
            null,
            ['Time', 'Snapshot', 'All snapshots', 'Stored'].map((label, i) =>
              h('th', { scope: 'col', class: i > 0 ? 'number' : undefined }, label),
            ),
          ),
        ),
        this.#table,
      ),
    ),
  );
  readonly node = h('div', { class: 'sizes' }, this.#words, this.#tools, this.#panels, this.#data);
  #sizes: Sizes = { snapshots: [], stored: [] };
  /** As somebody wants it; until then, by what there is. */
  #wants: boolean | undefined;
  #drawn = '';

  show(sizes: Sizes): void {
    this.#sizes = sizes;
    const [logical, stored] = [sizes.snapshots.at(-1)?.logical ?? 0, sizes.stored.at(-1)?.bytes ?? 0];
    this.#log.checked = this.#wants ?? logical > APART * stored;
    const empty = sizes.snapshots.length === 0;
    this.#tools.hidden = empty;
    this.#data.hidden = empty;
    this.#words.textContent = empty ? '' : inWords(logical, stored);
    replace(this.#table, rowsOf(sizes).map(row));
    this.#drawn = '';
    this.draw();
  }

  /** At the width that there is. */
  draw(): void {
    const width = Math.floor(this.#panels.clientWidth) - 34;
    const key = `${width} ${this.#log.checked}`;
    if (width < 100 || key === this.#drawn) return;
    this.#drawn = key;
    const { snapshots, stored } = this.#sizes;
    if (snapshots.length === 0) {
      replace(this.#panels, emptyNotice('No snapshot has its data here yet.'));
      return;
    }
    const times = [...snapshots, ...stored].map(({ at }) => at);
    const shared = { from: Math.min(...times), to: Math.max(...times), log: this.#log.checked, width };
    const together: Line[] = [
      {
        label: 'All snapshots, as if each was stored whole',
        kind: 'logical',
        points: snapshots.map(({ at, logical }) => ({ at, bytes: logical })),
      },
      { label: 'Stored', kind: 'stored', points: stored },
    ];
    replace(
      this.#panels,
      panel({ ...shared, title: 'All snapshots together', lines: together }),
      panel({
        ...shared,
        title: 'Each snapshot',
        log: false,
        lines: [{ label: 'Files of that snapshot', kind: 'each', points: snapshots }],
      }),
    );
  }

  #chosen(): void {
    this.#wants = this.#log.checked;
    this.draw();
  }
}

function inWords(logical: number, stored: number): string {
  const saving = saved(logical, stored);
  const both = `All snapshots together hold ${bytes(logical)}, and ${bytes(stored)} are stored`;
  if (!saving) return `${both}: nothing is saved so far.`;
  return `${both}: ${saving} saved, ${(logical / Math.max(1, stored)).toFixed(1)} times less.`;
}

interface DataRow {
  at: number;
  own: number;
  logical: number;
  stored: number | undefined;
}

/** Evenly, with the first and the last. */
function rowsOf({ snapshots, stored }: Sizes): DataRow[] {
  const rows = Math.min(TABLE_ROWS, snapshots.length);
  return Array.from({ length: rows }, (_, i) => {
    const { at, bytes: own, logical } = snapshots[Math.round((i * (snapshots.length - 1)) / Math.max(1, rows - 1))];
    const last = lastUpTo(stored.length, (index) => stored[index].at, at);
    return { at, own, logical, stored: stored[last]?.bytes };
  });
}

const row = ({ at, own, logical, stored }: DataRow): HTMLElement =>
  h(
    'tr',
    null,
    h('th', { scope: 'row' }, dateTime(at)),
    [own, logical, stored].map((value) => h('td', { class: 'number' }, value === undefined ? '–' : bytes(value))),
  );
