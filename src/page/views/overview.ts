/** All volume sets of the hub: how large they are, what is saved, how old their newest snapshot is, and who takes part. */
import type { Overview, VolsetSummary } from '../../wire/views.ts';
import { h, replace } from '../dom.ts';
import { bytes, count, plural, saved, time } from '../format.ts';
import { throttled } from '../live/throttled.ts';
import { tickAges } from '../parts/ages.ts';
import { firstPush } from '../parts/first-push.ts';
import { type Column, sortedTable } from '../parts/sorted-table.ts';
import { href } from '../router.ts';
import { name } from '../text.ts';
import type { View, ViewContext } from '../view.ts';

/** From here on a field to filter by helps. */
const MANY = 8;
/** Rows that are drawn unless one asks for the rest. */
const AT_FIRST = 200;

export async function overview({ api, signal, store }: ViewContext): Promise<View> {
  const read = (): Promise<Overview> => api.get<Overview>('/v1/overview', { signal });
  const first = await read();
  const list = new VolsetList();
  list.show(first);
  store.onMoved(
    throttled(async () => list.show(await read()), signal),
    signal,
  );
  // Who follows is told by no feed.
  const timer = window.setInterval(() => document.hidden || void read().then((all) => list.show(all), ignored), 30_000);
  signal.addEventListener('abort', () => window.clearInterval(timer), { once: true });
  tickAges(list.node, signal, first.now - Date.now());
  return { title: first.label, node: list.node };
}

const ignored = (): void => {};

class VolsetList {
  readonly #label = h('p', { class: 'about' });
  readonly #totals = h('p', { class: 'totals', role: 'status' });
  readonly #below = h('div');
  readonly #filter = h('input', {
    type: 'search',
    id: 'volset-filter',
    autocomplete: 'off',
    placeholder: 'Part of a name',
    on: { input: () => this.#draw() },
  });
  readonly #filterRow = h(
    'div',
    { class: 'view-tools', role: 'search', hidden: true },
    h('label', { for: 'volset-filter' }, 'Filter'),
    this.#filter,
  );
  readonly #table = sortedTable(
    'Volume sets',
    columns(() => this.#all.now),
    0,
  );
  readonly #none = h('div');
  readonly node = h(
    'section',
    null,
    h('h1', { tabindex: '-1' }, 'Volume sets'),
    this.#label,
    this.#none,
    this.#filterRow,
    this.#table.node,
    this.#below,
    this.#totals,
  );
  #all!: Overview;
  #everything = false;

  show(all: Overview): void {
    this.#all = all;
    replace(this.#label, 'Held by ', name(all.label, 'name label'));
    const empty = all.volsets.length === 0;
    this.#table.node.hidden = empty;
    this.#filterRow.hidden = all.volsets.length < MANY;
    if (!empty) replace(this.#none);
    else if (!this.#none.hasChildNodes()) replace(this.#none, firstPush(location.origin));
    this.#draw();
  }

  #draw(): void {
    const wanted = this.#filterRow.hidden ? '' : this.#filter.value.trim().toLowerCase();
    const found = this.#all.volsets.filter((volset) => matches(volset, wanted));
    const shown = this.#everything ? found : found.slice(0, AT_FIRST);
    this.#table.show(shown);
    const rest = found.length - shown.length;
    replace(
      this.#below,
      found.length === 0 && wanted !== '' && h('p', { class: 'notice empty' }, 'No name has this in it.'),
      rest > 0 && h('button', { type: 'button', on: { click: () => this.#showAll() } }, `Show ${count(rest)} more`),
      this.#all.more > 0 &&
        h('p', { class: 'hint' }, `${plural(this.#all.more, 'more volume set')} on this hub, too many to list.`),
    );
    const text = totals(found, wanted !== '');
    if (this.#totals.textContent !== text) this.#totals.textContent = text;
  }

  #showAll(): void {
    this.#everything = true;
    this.#draw();
  }
}

const matches = ({ name: own, description, id }: VolsetSummary, wanted: string): boolean =>
  own.toLowerCase().includes(wanted) || (description ?? '').toLowerCase().includes(wanted) || id.startsWith(wanted);

function totals(volsets: VolsetSummary[], filtered: boolean): string {
  if (volsets.length === 0) return '';
  const sum = (of: (volset: VolsetSummary) => number): number => volsets.reduce((all, volset) => all + of(volset), 0);
  const [logical, stored] = [sum((volset) => volset.logicalBytes), sum((volset) => volset.storedBytes)];
  const saving = saved(logical, stored);
  const what = `${plural(volsets.length, 'volume set')}${filtered ? ' found' : ''}, ${plural(
    sum((volset) => volset.snapshots),
    'snapshot',
  )}: ${bytes(logical)} in ${bytes(stored)}`;
  return saving ? `${what}, ${saving} saved.` : `${what}.`;
}

const columns = (now: () => number): Column<VolsetSummary>[] => [
  { label: 'Name', key: (volset) => volset.name.toLowerCase(), cell: nameCell },
  { label: 'Last snapshot', key: (volset) => -(volset.newest?.created ?? 0), cell: (volset) => age(volset, now()) },
  figure('Snapshots', (volset) => volset.snapshots),
  figure('Branches', (volset) => volset.branches),
  figure(
    'Size',
    (volset) => volset.newest?.bytes ?? 0,
    (volset) => (volset.newest ? bytes(volset.newest.bytes) : '–'),
  ),
  figure(
    'Stored',
    (volset) => volset.storedBytes,
    (volset) => bytes(volset.storedBytes),
  ),
  figure('Saved', savedShare, (volset) => saved(volset.logicalBytes, volset.storedBytes) ?? '–'),
  figure('Members', (volset) => volset.members),
  figure('Following', (volset) => volset.followers),
  { label: 'State', key: (volset) => -(volset.damaged * 1e6 + volset.conflicts), cell: stateCell },
];

const figure = (
  label: string,
  key: (volset: VolsetSummary) => number,
  cell: (volset: VolsetSummary) => string = (volset) => count(key(volset)),
): Column<VolsetSummary> => ({ label, key, number: true, cell });

const savedShare = ({ logicalBytes, storedBytes }: VolsetSummary): number =>
  logicalBytes > 0 ? 1 - storedBytes / logicalBytes : 0;

const nameCell = (volset: VolsetSummary): HTMLElement =>
  h(
    'div',
    null,
    h('a', { href: href('v', volset.id) }, name(volset.name)),
    volset.description && h('div', { class: 'description' }, name(volset.description.slice(0, 200))),
  );

const age = ({ newest }: VolsetSummary, now: number): HTMLElement | string =>
  newest ? time(newest.created, now) : 'none yet';

function stateCell({ conflicts, damaged, id }: VolsetSummary): HTMLElement {
  const flags = [
    damaged > 0 && h('span', { class: 'bad' }, `${count(damaged)} damaged`),
    conflicts > 0 && h('a', { class: 'warn', href: href('v', id, 'conflicts') }, plural(conflicts, 'conflict')),
  ].filter((flag) => flag !== false);
  return h('span', { class: 'flags' }, flags.length > 0 ? flags : h('span', { class: 'soft' }, 'fine'));
}
