/** One file of two snapshots, side by side where it is text. */
import { PlaitError } from '../../core/errors.ts';
import type { EntriesPage, EntryRow, ViewPath } from '../../wire/views.ts';
import { diffTitle, endsLine, readEnds } from '../diff/ends.ts';
import { sideBySide } from '../diff/side-by-side.ts';
import { type Child, h } from '../dom.ts';
import { bytes } from '../format.ts';
import { tickAges } from '../parts/ages.ts';
import { emptyNotice } from '../parts/notice.ts';
import { volsetHead } from '../parts/volset-head.ts';
import { textOf } from '../plain-text.ts';
import { encodePath, lastName, name, shownPath } from '../text.ts';
import { firstBytes } from '../tree/first-bytes.ts';
import { apiOf, hrefOf, hrefOfDiff, KINDS, pathOf } from '../tree/place.ts';
import type { View, ViewContext } from '../view.ts';

/** Larger files are not compared line by line. */
export const MAX_TEXT = 1024 * 1024;

/** `row` null: it is not there. `text` undefined: it is none, or too much of it. */
interface Side {
  row: EntryRow | null;
  text?: string | undefined;
}

export async function textDiff(context: ViewContext): Promise<View> {
  const path = pathOf(context.place[6]);
  const ends = await readEnds(context);
  const { volset, from, to } = ends;
  const live = context.follow(volset);
  const [before, after] = await Promise.all([
    from ? readSide(context, from.id, path) : { row: null },
    readSide(context, to.id, path),
    live.ready(),
  ]);
  if (!before.row && !after.row) throw new PlaitError('not-found', `${shownPath(path)} is in neither snapshot`);
  const swap = from ? hrefOfDiff(volset, to.id, from.id, path) : undefined;
  const node = h(
    'section',
    { class: 'text-diff' },
    volsetHead(context, live),
    h('h1', null, name(shownPath(lastName(path)))),
    h(
      'p',
      { class: 'hint' },
      name(shownPath(path)),
      ' · ',
      h('a', { href: hrefOfDiff(volset, from?.id ?? null, to.id) }, 'all changes'),
    ),
    endsLine(ends, swap),
    comparison(before, after),
    wholeFiles(volset, [from?.id, before], [to.id, after]),
  );
  tickAges(node, context.signal);
  return { title: `${shownPath(lastName(path))}: ${diffTitle(ends)}`, node };
}

async function readSide(context: ViewContext, snapshot: string, path: ViewPath): Promise<Side> {
  const { api, place, signal } = context;
  const at = { volset: place[1], snapshot };
  const query = { path: encodePath(path) };
  const row = await entryOf(context, apiOf(at, '/entries'), query);
  if (row?.kind !== 'file' || row.size > MAX_TEXT) return { row };
  if (row.size === 0) return { row, text: '' };
  const response = await api.open(apiOf(at, '/file'), { query, signal });
  return { row, text: textOf(await firstBytes(response, MAX_TEXT, row.size)) };
}

/** That the snapshots are there was seen before: what is not found is the path. */
async function entryOf(
  { api, signal }: ViewContext,
  entries: string,
  query: { path: string },
): Promise<EntryRow | null> {
  try {
    return (await api.get<EntriesPage>(entries, { query: { ...query, limit: 1 }, signal })).at;
  } catch (error) {
    if (error instanceof PlaitError && error.code === 'not-found') return null;
    throw error;
  }
}

function comparison(before: Side, after: Side): HTMLElement {
  const sides = [before, after].filter(({ row }) => row !== null);
  if (sides.every(({ text }) => text !== undefined)) {
    const table = sideBySide(before.text ?? '', after.text ?? '');
    return table ?? emptyNotice('Too different to show line by line. ', told(before), ' → ', told(after), '.');
  }
  const why = sides.some(({ row }) => row && row.size > MAX_TEXT) ? 'Too large to compare as text' : 'Not text';
  return emptyNotice(`${why}: `, told(before), ' → ', told(after), '.');
}

function told({ row }: Side): Child {
  if (!row) return 'not there';
  return row.kind === 'file' ? bytes(row.size) : KINDS[row.kind];
}

function wholeFiles(volset: string, ...sides: [string | undefined, Side][]): HTMLElement {
  const links = sides.map(([snapshot, { row }], i) =>
    snapshot !== undefined && row
      ? [h('a', { href: hrefOf({ volset, snapshot }, row) }, i === 0 ? 'file before' : 'file after'), ' ']
      : null,
  );
  return h('p', { class: 'hint' }, 'Whole: ', links);
}
