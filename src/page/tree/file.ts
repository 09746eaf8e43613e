/** One file or symbolic link of a snapshot. */
import type { EntryRow } from '../../wire/views.ts';
import { h, replace } from '../dom.ts';
import { bytes } from '../format.ts';
import { facts } from '../parts/facts.ts';
import { errorNotice, loading } from '../parts/notice.ts';
import { name, shownPath } from '../text.ts';
import type { ViewContext } from '../view.ts';
import { downloadButton, modified } from './entry-list.ts';
import { KINDS, type SnapshotPlace } from './place.ts';
import { preview } from './preview.ts';

export function file(context: ViewContext, at: SnapshotPlace, row: EntryRow): HTMLElement {
  const contents = h('div');
  if (row.kind === 'file') void fill(context, at, row, contents);
  return h(
    'div',
    { class: 'file' },
    facts(
      ['Path', name(shownPath(row))],
      ['Kind', KINDS[row.kind]],
      row.kind === 'file' && ['Size', h('span', { title: `${row.size} bytes` }, bytes(row.size))],
      row.target !== undefined && ['Target', name(row.target)],
      ['Mode', h('code', null, row.mode)],
      row.mtime !== null && ['Modified', modified(row.mtime)],
    ),
    row.kind === 'file' && h('p', null, downloadButton(context, at, row)),
    contents,
  );
}

async function fill(context: ViewContext, at: SnapshotPlace, row: EntryRow, contents: HTMLElement): Promise<void> {
  const { api, signal } = context;
  replace(contents, loading('Reading'));
  try {
    replace(contents, await preview(api, at, row, signal));
  } catch (error) {
    if (!signal.aborted)
      replace(
        contents,
        errorNotice(error, () => void fill(context, at, row, contents)),
      );
  }
}
