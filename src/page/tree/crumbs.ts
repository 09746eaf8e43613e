/** Where in a snapshot one is, and the way back up. */
import type { ViewPath } from '../../wire/views.ts';
import { h } from '../dom.ts';
import { bytesOfPath, lastName, name, parentPath, shownPath } from '../text.ts';
import { hrefOf, type SnapshotPlace } from './place.ts';

/** Deeper ones are reached step by step. */
const MOST = 40;

export function crumbs(at: SnapshotPlace, path: ViewPath): HTMLElement {
  const above: ViewPath[] = [];
  for (let each = path; bytesOfPath(each).length > 0 && above.length < MOST; each = parentPath(each))
    above.unshift(each);
  const items = above.map((each, i) => {
    const last = i === above.length - 1;
    const shown = name(shownPath(lastName(each)));
    return h(
      'li',
      null,
      last ? h('span', { 'aria-current': 'page' }, shown) : h('a', { href: hrefOf(at, each) }, shown),
    );
  });
  return h(
    'nav',
    { 'aria-label': 'Folder' },
    h('ol', { class: 'crumbs' }, h('li', null, h('a', { href: hrefOf(at) }, 'All files')), items),
  );
}
