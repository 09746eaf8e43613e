/** What an entry is, as a small picture with its word for those who hear the page. */
import type { EntryKind } from '../../core/entry.ts';
import { h, svg } from '../dom.ts';
import { KINDS } from './place.ts';

const SHAPES: Record<EntryKind, string> = {
  file: 'M3.5 1.5h6l3 3v10h-9zM9.5 1.5v3h3',
  dir: 'M1.5 3.5h4.5l1.5 2h7v8h-13z',
  symlink: 'M2.5 12.5c0-5 3-7 8-7m-3-3.5 3.5 3.5-3.5 3.5',
};

export const kindIcon = (kind: EntryKind): HTMLElement =>
  h(
    'span',
    { class: `kind ${kind}` },
    svg('svg', { viewBox: '0 0 16 16', 'aria-hidden': 'true' }, svg('path', { d: SHAPES[kind] })),
    h('span', { class: 'sr-only' }, `${KINDS[kind]} `),
  );
