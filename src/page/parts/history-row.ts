/** A snapshot as a row of the history. */
import { showText } from '../../core/paths.ts';
import type { HistoryRow } from '../../wire/views.ts';
import { type Child, h } from '../dom.ts';
import { bytes, dateTime, plural, shortId, time } from '../format.ts';
import type { Laid } from '../graph/lanes.ts';
import { type Measures, rowSvg } from '../graph/row-svg.ts';
import type { Tag } from '../graph/tags.ts';
import { href } from '../router.ts';
import { name } from '../text.ts';

export interface RowContext {
  volset: string;
  measures: Measures;
  tags: ReadonlyMap<string, Tag[]>;
  chosen: ReadonlySet<string>;
  choose(id: string, on: boolean): void;
  now: number;
}

/** Beyond these a row says how many more there are. */
const TAGS = 3;
const LONGEST = 200;

export function historyRow(row: HistoryRow, laid: Laid, context: RowContext): HTMLElement {
  const { id, creator, created, bytes: size, files, forgotten } = row;
  const told = !forgotten;
  return h(
    'div',
    { class: 'history-row', role: 'row' },
    cell('choose', told && choice(row, context)),
    cell('lines', rowSvg(row, laid, context.measures)),
    cell('what', title(row, context.volset), tagList(context.tags.get(id) ?? []), marks(row, laid)),
    cell('id', h('code', { title: id }, shortId(id))),
    cell('creator', told && name(creator)),
    cell('age', told && time(created, context.now)),
    cell('size', told && h('span', { title: plural(files, 'file') }, bytes(size))),
  );
}

/** All that the row shows, but its age. */
export const shownOf = (row: HistoryRow, laid: Laid, { measures, tags, chosen }: RowContext): string =>
  JSON.stringify([row, laid, measures, tags.get(row.id), chosen.has(row.id)]);

const cell = (what: string, ...children: Child[]): HTMLElement =>
  h('div', { class: `cell ${what}`, role: 'cell' }, ...children);

/** What people call it: its description, else its name, else when it was made. */
const called = ({ name: own, description, created, parents }: HistoryRow): string =>
  (description || own || `${parents.length > 1 ? 'Merge' : 'Snapshot'} of ${dateTime(created)}`).slice(0, LONGEST);

function title(row: HistoryRow, volset: string): HTMLElement {
  if (row.forgotten) return h('span', { class: 'soft' }, 'Forgotten snapshot');
  const own = row.name && row.description ? [h('strong', null, name(row.name.slice(0, LONGEST))), ' '] : [];
  return h('a', { class: 'open', href: href('v', volset, 's', row.id) }, ...own, name(called(row)));
}

function choice(row: HistoryRow, { chosen, choose }: RowContext): HTMLElement {
  return h('input', {
    type: 'checkbox',
    checked: chosen.has(row.id),
    'aria-label': `Compare ${showText(called(row))}, ${shortId(row.id)}`,
    on: { change: (event) => choose(row.id, (event.target as HTMLInputElement).checked) },
  });
}

function tagList(tags: Tag[]): Child[] {
  const shown = tags.slice(0, TAGS).map((tag) => tagOf(tag));
  const rest = tags.slice(TAGS, 50).map(text);
  if (rest.length > 0) shown.push(h('span', { class: 'tag more', title: rest.join(', ') }, `+${tags.length - TAGS}`));
  return shown;
}

const text = ({ branch, store }: Tag): string => showText(store === null ? branch : `${store}/${branch}`);

function tagOf(tag: Tag): HTMLElement {
  const { branch, store } = tag;
  const title = store === null ? `Branch ${text(tag)}` : `Branch ${showText(branch)} of ${showText(store)}`;
  const what = store === null ? 'branch ' : 'branch elsewhere ';
  const shown = store === null ? name(branch) : [name(store), '/', name(branch)];
  return h(
    'span',
    { class: store === null ? 'tag' : 'tag member', title },
    h('span', { class: 'sr-only' }, what),
    shown,
  );
}

function marks({ hasBlob, damaged, forgotten, parents }: HistoryRow, { above }: Laid): Child[] {
  return [
    damaged && h('span', { class: 'mark bad' }, 'damaged'),
    !hasBlob && !damaged && !forgotten && h('span', { class: 'mark warn' }, 'data missing here'),
    parents.length > 1 && h('span', { class: 'mark soft' }, plural(parents.length, 'parent')),
    above.length > 0 && h('span', { class: 'mark soft' }, 'parent stands above'),
  ];
}

export const historyHeads = (): HTMLElement =>
  h(
    'div',
    { class: 'history-heads', role: 'rowgroup' },
    h(
      'div',
      { class: 'history-row', role: 'row', 'aria-rowindex': 1 },
      ['Compare', 'Graph', 'Snapshot', 'Id', 'By', 'Age', 'Size'].map((label, i) =>
        h(
          'div',
          { class: `cell ${['choose', 'lines', 'what', 'id', 'creator', 'age', 'size'][i]}`, role: 'columnheader' },
          i < 2 ? h('span', { class: 'sr-only' }, label) : label,
        ),
      ),
    ),
  );
