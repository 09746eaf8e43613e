/** One file of two snapshots, side by side where it is text. */
import type { DiffEntry, DiffPage, EntriesPage, ViewPath } from '../../wire/views.ts';
import { diffTitle, type Ends, endsLine, readEnds } from '../diff/ends.ts';
import { justBefore } from '../diff/just-before.ts';
import { sideBySide } from '../diff/side-by-side.ts';
import { type Child, h } from '../dom.ts';
import { bytes } from '../format.ts';
import { tickAges } from '../parts/ages.ts';
import { emptyNotice } from '../parts/notice.ts';
import { volsetHead } from '../parts/volset-head.ts';
import { textOf } from '../plain-text.ts';
import { bytesOfPath, encodePath, lastName, name, shownPath } from '../text.ts';
import { firstBytes } from '../tree/first-bytes.ts';
import { apiOf, hrefOf, hrefOfDiff, KINDS, pathOf, volsetOf } from '../tree/place.ts';
import type { View, ViewContext } from '../view.ts';

/** Larger files are not compared line by line. */
export const MAX_TEXT = 1024 * 1024;

/** `at` null: it is not there. `text` undefined: it is none, or too much of it. */
interface Side {
  at: At | null;
  text?: string | undefined;
}

type At = NonNullable<DiffEntry['before']>;

export async function textDiff(context: ViewContext): Promise<View> {
  const path = pathOf(context.place[6]);
  // Both are waited for.
  const live = context.follow(volsetOf(context.place));
  const ends = await readEnds(context);
  const { volset, from, to } = ends;
  const [{ before: first, after: second }] = await Promise.all([sidesAt(context, ends, path), live.ready()]);
  const [before, after] = await Promise.all([
    readSide(context, from?.id, path, first),
    readSide(context, to.id, path, second),
  ]);
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
    wholeFiles(volset, path, [from?.id, before], [to.id, after]),
  );
  tickAges(node, context.signal);
  return { title: `${shownPath(lastName(path))}: ${diffTitle(ends)}`, node };
}

/**
 * What stands at the path on each side. The diff tells where they differ: to ask for a path that is not there would be an
 * error, of which browsers complain.
 */
async function sidesAt(
  { api, signal }: ViewContext,
  { volset, from, to }: Ends,
  path: ViewPath,
): Promise<{ before: At | null; after: At | null }> {
  const bytes = justBefore(bytesOfPath(path));
  const behind = bytes && encodePath({ path: '', pathBase64: btoa(String.fromCharCode(...bytes)) });
  const query = { from: from?.id, to: to.id, after: behind };
  const { rows } = await api.get<DiffPage>(`/v1/volsets/${volset}/diff`, { query, signal });
  const encoded = encodePath(path);
  const row = rows.find((each) => encodePath(each) === encoded);
  if (row) return { before: row.before ?? null, after: row.after ?? null };
  // Alike on both sides, or on none, which is the error to be shown.
  const entries = apiOf({ volset, snapshot: to.id }, '/entries');
  const { at } = await api.get<EntriesPage>(entries, { query: { path: encoded, limit: 1 }, signal });
  return { before: at, after: at };
}

async function readSide(
  { api, place, signal }: ViewContext,
  snapshot: string | undefined,
  path: ViewPath,
  at: At | null,
): Promise<Side> {
  if (snapshot === undefined || at?.kind !== 'file' || at.size > MAX_TEXT) return { at };
  if (at.size === 0) return { at, text: '' };
  const file = apiOf({ volset: place[1], snapshot }, '/file');
  const response = await api.open(file, { query: { path: encodePath(path) }, signal });
  return { at, text: textOf(await firstBytes(response, MAX_TEXT, at.size)) };
}

function comparison(before: Side, after: Side): HTMLElement {
  const sides = [before, after].filter(({ at }) => at !== null);
  if (sides.every(({ text }) => text !== undefined)) {
    const table = sideBySide(before.text ?? '', after.text ?? '');
    return table ?? emptyNotice('Too different to show line by line. ', told(before), ' → ', told(after), '.');
  }
  const why = sides.some(({ at }) => at && at.size > MAX_TEXT) ? 'Too large to compare as text' : 'Not text';
  return emptyNotice(`${why}: `, told(before), ' → ', told(after), '.');
}

function told({ at }: Side): Child {
  if (!at) return 'not there';
  return at.kind === 'file' ? bytes(at.size) : KINDS[at.kind];
}

function wholeFiles(volset: string, path: ViewPath, ...sides: [string | undefined, Side][]): HTMLElement {
  const links = sides.map(([snapshot, { at }], i) =>
    snapshot !== undefined && at
      ? [h('a', { href: hrefOf({ volset, snapshot }, path) }, i === 0 ? 'file before' : 'file after'), ' ']
      : null,
  );
  return h('p', { class: 'hint' }, 'Whole: ', links);
}
