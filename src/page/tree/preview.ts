/** The beginning of a file where it is text. It is shown as text whatever stands in it. */
import type { EntryRow } from '../../wire/views.ts';
import type { Api } from '../api.ts';
import { h } from '../dom.ts';
import { bytes } from '../format.ts';
import { emptyNotice } from '../parts/notice.ts';
import { shownContent, textOf } from '../plain-text.ts';
import { encodePath } from '../text.ts';
import { firstBytes } from './first-bytes.ts';
import { apiOf, type SnapshotPlace } from './place.ts';

const MOST = 64 * 1024;

export async function preview(api: Api, at: SnapshotPlace, row: EntryRow, signal: AbortSignal): Promise<HTMLElement> {
  if (row.size === 0) return emptyNotice('The file is empty.');
  const response = await api.open(apiOf(at, '/file'), { query: { path: encodePath(row) }, signal });
  const cut = row.size > MOST;
  const text = textOf(await firstBytes(response, MOST, row.size), { cut });
  if (text === undefined) return emptyNotice(`No preview: it is not text. ${bytes(row.size)}.`);
  return h(
    'div',
    null,
    h(
      'pre',
      { class: 'content', tabindex: '0', role: 'region', 'aria-label': 'Contents' },
      h('code', null, shownContent(text)),
    ),
    cut && h('p', { class: 'hint' }, `The first ${bytes(MOST)} of ${bytes(row.size)}. Download it to see all.`),
  );
}
