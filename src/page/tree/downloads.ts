/** What can be got out of a snapshot: one file, or a folder as tar. */
import type { EntryRow, SnapshotDetails, ViewPath } from '../../wire/views.ts';
import { saveName } from '../download/file-name.ts';
import { encodePath } from '../text.ts';
import type { ViewContext } from '../view.ts';
import { apiOf, type SnapshotPlace } from './place.ts';

export const downloadFile = ({ downloads }: ViewContext, at: SnapshotPlace, row: EntryRow): void =>
  downloads.start({
    path: apiOf(at, '/file'),
    query: { path: encodePath(row) },
    name: saveName(row.path),
    size: row.size,
  });

/** No folder is larger than its snapshot. */
export function downloadTar({ downloads }: ViewContext, at: SnapshotPlace, path: ViewPath, of: SnapshotDetails): void {
  const encoded = encodePath(path);
  downloads.start({
    path: apiOf(at, '/tar'),
    query: encoded === '' ? {} : { path: encoded },
    name: saveName(path.path, { tar: true, whole: `snapshot-${at.snapshot.slice(0, 12)}` }),
    about: of.bytes,
  });
}
