/** A folder of a snapshot: search, download, and its entries. */
import type { EntriesPage, SnapshotDetails, ViewPath } from '../../wire/views.ts';
import { h } from '../dom.ts';
import { emptyNotice } from '../parts/notice.ts';
import { encodePath, shownPath } from '../text.ts';
import type { ViewContext } from '../view.ts';
import { downloadTar } from './downloads.ts';
import { entryList } from './entry-list.ts';
import { apiOf, type SnapshotPlace } from './place.ts';
import { search } from './search.ts';

export const readEntries = (
  { api }: ViewContext,
  at: SnapshotPlace,
  path: ViewPath,
  after: string | undefined,
  signal: AbortSignal,
): Promise<EntriesPage> =>
  api.get<EntriesPage>(apiOf(at, '/entries'), { query: { path: encodePath(path) || undefined, after }, signal });

/** @param first its first page, which told that it is a folder */
export async function folder(
  context: ViewContext,
  details: SnapshotDetails,
  at: SnapshotPlace,
  path: ViewPath,
  first: EntriesPage,
): Promise<HTMLElement> {
  const options = {
    caption: path.path === '' ? 'Files of the snapshot' : `Entries of ${shownPath(path)}`,
    shown: 'name' as const,
    load: async (after: string | undefined, stop: AbortSignal) =>
      after === undefined ? first : readEntries(context, at, path, after, stop),
    empty: emptyNotice('This folder is empty.'),
  };
  const list = await entryList(context, at, options, context.signal).begin();
  const { form, found } = search(context, at, path, (on) => {
    list.node.hidden = on;
  });
  const what = path.path === '' ? 'Download all as tar' : 'Download folder as tar';
  const click = (): void => downloadTar(context, at, path, details);
  return h(
    'div',
    { class: 'folder' },
    h('div', { class: 'tools' }, form, h('button', { type: 'button', on: { click } }, what)),
    found,
    list.node,
  );
}
