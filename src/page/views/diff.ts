/** What differs between two snapshots. */
import type { DiffEntry, DiffPage, DiffTotals } from '../../wire/views.ts';
import { DiffPages, type Letter } from '../diff/diff-pages.ts';
import { diffTitle, type Ends, endsLine, readEnds } from '../diff/ends.ts';
import { type Child, h, replace } from '../dom.ts';
import { bytes, count } from '../format.ts';
import { tickAges } from '../parts/ages.ts';
import { facts } from '../parts/facts.ts';
import { emptyNotice, errorNotice } from '../parts/notice.ts';
import { volsetHead } from '../parts/volset-head.ts';
import { WindowList } from '../parts/window-list.ts';
import { name, shownPath } from '../text.ts';
import { kindIcon } from '../tree/kind-icon.ts';
import { hrefOf, hrefOfDiff, KINDS, volsetOf } from '../tree/place.ts';
import type { View, ViewContext } from '../view.ts';
import { MAX_TEXT } from './text-diff.ts';

const LETTERS: [letter: Letter, word: string, total: keyof DiffTotals][] = [
  ['A', 'added', 'added'],
  ['M', 'changed', 'modified'],
  ['D', 'deleted', 'deleted'],
  ['T', 'type changed', 'typeChanged'],
];
const WORDS = Object.fromEntries(LETTERS) as Record<Letter, string>;

const COLUMNS = [
  { label: 'Change', class: 'letter' },
  { label: 'Path', class: 'main' },
  { label: 'Before', class: 'number before' },
  { label: 'After', class: 'number after' },
];

export async function diff(context: ViewContext): Promise<View> {
  // Both are waited for.
  const live = context.follow(volsetOf(context.place));
  const ends = await readEnds(context);
  const { volset, from, to } = ends;
  const pages = new DiffPages((after) => {
    const query = { from: from?.id, to: to.id, after };
    return context.api.get<DiffPage>(`/v1/volsets/${volset}/diff`, { query, signal: context.signal });
  });
  const body = h('div');
  let shown = new AbortController();
  const show = async (letter: Letter | null): Promise<void> => {
    shown.abort();
    shown = new AbortController();
    const signal = AbortSignal.any([shown.signal, context.signal]);
    try {
      const list = await changes(signal, ends, pages, letter).begin();
      // Another one was asked for meanwhile, and may have come first.
      if (signal.aborted) return;
      const focused = body.contains(document.activeElement);
      replace(
        body,
        totals(pages.totals),
        filters(pages.totals, letter, (next) => void show(next)),
        list.node,
      );
      if (focused) body.querySelector<HTMLElement>('[aria-pressed="true"]')?.focus();
    } catch (error) {
      if (signal.aborted) return;
      replace(
        body,
        errorNotice(error, () => void show(letter)),
      );
    }
  };
  await Promise.all([live.ready(), show(null)]);
  const node = h(
    'section',
    null,
    volsetHead(context, live),
    h('h1', null, from ? 'Changes between two snapshots' : 'All of a snapshot'),
    endsLine(ends, from ? hrefOfDiff(volset, to.id, from.id) : undefined),
    body,
  );
  tickAges(node, context.signal);
  return { title: diffTitle(ends), node };
}

function totals(told: DiffTotals | null): Child {
  if (!told) return null;
  const more = told.whole ? '' : ' or more';
  return facts(
    ...LETTERS.map(([, word, key]): [string, string] => [capital(word), `${count(told[key] as number)}${more}`]),
    ['Bytes of changed files', `${bytes(told.bytesBefore)} → ${bytes(told.bytesAfter)}${more}`],
  );
}

function filters(told: DiffTotals | null, on: Letter | null, show: (letter: Letter | null) => void): HTMLElement {
  const button = (letter: Letter | null, text: string): HTMLElement =>
    h(
      'button',
      {
        type: 'button',
        class: 'filter',
        'aria-pressed': String(letter === on),
        disabled: told?.whole === true && letter !== null && count0(told, letter),
        on: { click: () => show(letter) },
      },
      text,
    );
  return h(
    'div',
    { class: 'filters', role: 'group', 'aria-label': 'Which changes' },
    button(null, 'All'),
    LETTERS.map(([letter, word]) => button(letter, capital(word))),
  );
}

const count0 = (told: DiffTotals, letter: Letter): boolean =>
  told[LETTERS.find(([each]) => each === letter)?.[2] as keyof DiffTotals] === 0;

function changes(signal: AbortSignal, ends: Ends, pages: DiffPages, letter: Letter | null): WindowList<DiffEntry> {
  return new WindowList<DiffEntry>({
    caption: letter === null ? 'Changes' : `Changes: ${WORDS[letter]}`,
    one: 'change',
    many: 'changes',
    columns: COLUMNS,
    class: 'changes',
    cells: (row) => cellsOf(ends, row),
    load: (after, signal) => pages.page(letter, after, signal),
    empty: emptyNotice(letter === null ? 'Both have the same files.' : `Nothing is ${WORDS[letter]}.`),
    signal,
  });
}

function cellsOf(ends: Ends, row: DiffEntry): Child[] {
  const { letter, before, after } = row;
  const text = shownPath(row);
  const kind = (after ?? before)?.kind ?? 'file';
  return [
    h(
      'span',
      { class: `letter-${letter}`, title: WORDS[letter] },
      h('span', { 'aria-hidden': 'true' }, letter),
      sr(WORDS[letter]),
    ),
    [
      kindIcon(kind),
      h('a', { href: hrefOfRow(ends, row), title: text }, name(text)),
      letter === 'T' &&
        before &&
        after &&
        h('span', { class: 'target' }, ` ${KINDS[before.kind]} → ${KINDS[after.kind]}`),
    ],
    before ? sizeOf(before) : '',
    after ? sizeOf(after) : '',
  ];
}

/** Side by side where that may be text, else the side that is there. */
function hrefOfRow({ volset, from, to }: Ends, row: DiffEntry): string {
  const texts = [row.before, row.after].every((side) => !side || (side.kind === 'file' && side.size <= MAX_TEXT));
  if (texts) return hrefOfDiff(volset, from?.id ?? null, to.id, row);
  return hrefOf({ volset, snapshot: row.after || !from ? to.id : from.id }, row);
}

const sizeOf = ({ kind, size }: NonNullable<DiffEntry['before']>): Child =>
  kind === 'file' ? h('span', { title: `${size} bytes` }, bytes(size)) : h('span', { class: 'soft' }, KINDS[kind]);

const sr = (text: string): HTMLElement => h('span', { class: 'sr-only' }, text);
const capital = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);
