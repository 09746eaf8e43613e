/** Entries of a snapshot as a list: those of a folder, or those that a search found. */
import type { EntryRow } from '../../wire/views.ts';
import { type Child, h } from '../dom.ts';
import { bytes, dateTime } from '../format.ts';
import { type Page, WindowList } from '../parts/window-list.ts';
import { lastName, name, shownPath } from '../text.ts';
import type { ViewContext } from '../view.ts';
import { downloadFile } from './downloads.ts';
import { kindIcon } from './kind-icon.ts';
import { hrefOf, type SnapshotPlace } from './place.ts';

export interface EntryListOptions {
  caption: string;
  /** Names alone, or whole paths. */
  shown: 'name' | 'path';
  load(after: string | undefined, signal: AbortSignal): Promise<Page<EntryRow>>;
  empty: Child;
  /** While pages come; makes the list one that can be stopped. */
  progress?(): string;
}

const COLUMNS = [
  { label: 'Name', class: 'main' },
  { label: 'Size', class: 'number size' },
  { label: 'Mode', class: 'mono mode' },
  { label: 'Modified', class: 'modified' },
  { label: 'Get', class: 'get' },
];

export function entryList(context: ViewContext, at: SnapshotPlace, options: EntryListOptions, signal: AbortSignal) {
  const cells = (row: EntryRow): Child[] => [
    nameCell(at, row, options.shown),
    row.kind === 'file' ? h('span', { title: `${row.size} bytes` }, bytes(row.size)) : '',
    // Of a link it says nothing.
    row.kind === 'symlink' ? '' : row.mode,
    modified(row.mtime),
    row.kind === 'file' && downloadButton(context, at, row),
  ];
  const { caption, load, empty, progress } = options;
  const words = { one: 'entry', many: 'entries' };
  return new WindowList<EntryRow>({
    caption,
    ...words,
    columns: COLUMNS,
    class: 'entries',
    cells,
    load,
    empty,
    progress,
    signal,
  });
}

function nameCell(at: SnapshotPlace, row: EntryRow, shown: 'name' | 'path'): Child {
  const text = shownPath(shown === 'name' ? lastName(row) : row);
  return [
    kindIcon(row.kind),
    h('a', { href: hrefOf(at, row), title: text }, name(text)),
    row.target !== undefined && h('span', { class: 'target' }, ' → ', name(row.target)),
  ];
}

/** Nanoseconds stand in the title: dates of browsers know milliseconds. */
export const modified = (mtime: string | null): Child =>
  mtime === null
    ? ''
    : h('time', { datetime: mtime, title: mtime }, dateTime(Date.parse(mtime.replace(/(\.\d{3})\d+/, '$1'))));

export function downloadButton(context: ViewContext, at: SnapshotPlace, row: EntryRow): HTMLElement {
  const click = (): void => downloadFile(context, at, row);
  const whose = h('span', { class: 'sr-only' }, ` ${shownPath(lastName(row))}`);
  return h('button', { type: 'button', class: 'small', on: { click } }, 'Download', whose);
}
