/** Search by name at and below a folder: pages come until the window is full, somebody stops it, or all was looked at. */
import type { EntryRow, SearchPage, ViewPath } from '../../wire/views.ts';
import { h, replace } from '../dom.ts';
import { plural } from '../format.ts';
import { emptyNotice, errorNotice } from '../parts/notice.ts';
import type { Page } from '../parts/window-list.ts';
import { encodePath } from '../text.ts';
import type { ViewContext } from '../view.ts';
import { entryList } from './entry-list.ts';
import { apiOf, type SnapshotPlace } from './place.ts';

/** `found` is empty while nobody searches; `onSearch` hears whether somebody does. */
export function search(context: ViewContext, at: SnapshotPlace, path: ViewPath, onSearch: (on: boolean) => void) {
  const field = h('input', {
    type: 'search',
    id: 'find',
    name: 'find',
    maxlength: 255,
    autocomplete: 'off',
    spellcheck: 'false',
  });
  const clear = h('button', { type: 'button', hidden: true, on: { click: () => end() } }, 'Clear');
  const found = h('div', { class: 'found' });
  let running = new AbortController();
  const end = (): void => {
    running.abort();
    field.value = '';
    clear.hidden = true;
    replace(found);
    onSearch(false);
    field.focus();
  };
  const begin = async (): Promise<void> => {
    const text = field.value.trim();
    if (text === '') return end();
    running.abort();
    running = new AbortController();
    const signal = AbortSignal.any([running.signal, context.signal]);
    const list = results(context, at, path, text, signal);
    clear.hidden = false;
    onSearch(true);
    replace(found, h('h3', null, 'Found'), list.node);
    try {
      await list.begin();
    } catch (error) {
      if (!signal.aborted)
        replace(
          found,
          errorNotice(error, () => void begin()),
        );
    }
  };
  const submit = (event: Event): void => {
    event.preventDefault();
    void begin();
  };
  const form = h(
    'form',
    { role: 'search', class: 'search', on: { submit } },
    h('label', { for: 'find' }, path.path === '' ? 'Find by name' : 'Find by name in this folder'),
    field,
    h('button', { type: 'submit' }, 'Find'),
    clear,
  );
  return { form, found };
}

function results(context: ViewContext, at: SnapshotPlace, path: ViewPath, text: string, signal: AbortSignal) {
  let scanned = 0;
  const load = async (after: string | undefined, stop: AbortSignal): Promise<Page<EntryRow>> => {
    const query = { name: text, path: encodePath(path) || undefined, after };
    const page = await context.api.get<SearchPage>(apiOf(at, '/search'), { query, signal: stop });
    scanned += page.scanned;
    return page;
  };
  const options = {
    caption: 'Found entries',
    shown: 'path' as const,
    load,
    empty: emptyNotice('No name here contains that.'),
    progress: () => `${plural(scanned, 'entry', 'entries')} looked at`,
  };
  return entryList(context, at, options, signal);
}
