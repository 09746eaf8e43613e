/** A snapshot: what is known of it, and its files. */
import type { PlaitError } from '../../core/errors.ts';
import type { SnapshotDetails, ViewPath } from '../../wire/views.ts';
import { h, replace } from '../dom.ts';
import { shortId, time } from '../format.ts';
import { throttled } from '../live/throttled.ts';
import { tickAges } from '../parts/ages.ts';
import { emptyNotice, errorNotice } from '../parts/notice.ts';
import { volsetHead } from '../parts/volset-head.ts';
import { lastName, name, shownPath } from '../text.ts';
import { crumbs } from '../tree/crumbs.ts';
import { file } from '../tree/file.ts';
import { folder, readEntries } from '../tree/folder.ts';
import { apiOf, hrefOf, pathOf, ROOT, type SnapshotPlace, snapshotOf } from '../tree/place.ts';
import { snapshotFacts, titleOf } from '../tree/snapshot-facts.ts';
import type { View, ViewContext } from '../view.ts';

export async function snapshot(context: ViewContext): Promise<View> {
  const at = snapshotOf(context.place);
  const live = context.follow(at.volset);
  const [details, contents] = await Promise.all([readDetails(context, at), openPath(context, at, ROOT), live.ready()]);
  const about = h('div', null, snapshotFacts(at.volset, details));
  let shown = JSON.stringify(details);
  const again = throttled(async () => {
    const now = await readDetails(context, at);
    if (JSON.stringify(now) === shown) return;
    shown = JSON.stringify(now);
    replace(about, snapshotFacts(at.volset, now));
  }, context.signal);
  live.onChange(again, context.signal);
  tickAges(about, context.signal);
  const node = h(
    'section',
    null,
    volsetHead(context, live),
    h('h1', null, name(titleOf(details))),
    about,
    h('h2', null, 'Files'),
    await contents(details),
  );
  return { title: titleOf(details), node };
}

/** A folder or file of it. */
export async function snapshotFiles(context: ViewContext): Promise<View> {
  const at = snapshotOf(context.place);
  const path = pathOf(context.place[5]);
  const live = context.follow(at.volset);
  const [details, contents] = await Promise.all([readDetails(context, at), openPath(context, at, path), live.ready()]);
  const title = shownPath(lastName(path)) || titleOf(details);
  const of = h('a', { href: hrefOf(at) }, name(titleOf(details)));
  const when = time(details.created, Date.now());
  const node = h(
    'section',
    null,
    volsetHead(context, live),
    h('h1', null, name(title)),
    h(
      'p',
      { class: 'hint' },
      'In ',
      of,
      details.name !== null && [' ', h('code', null, shortId(details.id))],
      ', ',
      when,
    ),
    crumbs(at, path),
    await contents(details),
  );
  tickAges(node, context.signal);
  return { title, node };
}

const readDetails = ({ api, signal }: ViewContext, at: SnapshotPlace): Promise<SnapshotDetails> =>
  api.get<SnapshotDetails>(apiOf(at), { signal });

/** Asked for beside the rest; what keeps it from being shown stands in its place. */
async function openPath(context: ViewContext, at: SnapshotPlace, path: ViewPath) {
  const first = await readEntries(context, at, path, undefined, context.signal).catch((error: PlaitError) => ({
    error,
  }));
  return async (details: SnapshotDetails): Promise<HTMLElement> => {
    if (details.forgotten) return emptyNotice('It was forgotten: a place in history, of which nothing else is told.');
    if ('error' in first) return errorNotice(first.error);
    if (first.at && first.at.kind !== 'dir') return file(context, at, first.at);
    return folder(context, details, at, path, first);
  };
}
