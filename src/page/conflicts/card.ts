/** One conflict: three values beside each other, which of them stands, and how to settle it. */
import { type Child, h } from '../dom.ts';
import { shortId } from '../format.ts';
import { copyable } from '../parts/copy-button.ts';
import { shownContent } from '../plain-text.ts';
import { name } from '../text.ts';
import { hrefOf } from '../tree/place.ts';
import {
  type ConflictRow,
  type Piece,
  SIDES,
  type SideName,
  sideOf,
  snapshotOf,
  storyOf,
  subjectOf,
  waysOut,
} from './words.ts';

export function conflictCard(volset: string, row: ConflictRow): HTMLElement {
  const title = `conflict-${row.id}`;
  const snapshot = snapshotOf(row);
  return h(
    'article',
    { class: 'card conflict', 'aria-labelledby': title },
    h('h2', { id: title }, subjectOf(row).map(pieceOf)),
    h(
      'p',
      { class: 'hint' },
      storyOf(row),
      ' Conflict ',
      h('code', null, shortId(row.id)),
      snapshot !== undefined && snapshotLink(volset, snapshot),
    ),
    h(
      'div',
      { class: 'sides' },
      (['initial', 'current', 'target'] as const).map((side) => sideBox(volset, row, side)),
    ),
    row.resolution === 'value' && h('p', { class: 'hint' }, 'Another value stands, which somebody chose.'),
    h(
      'div',
      { class: 'settle' },
      h('h3', null, 'Settle it with'),
      h(
        'ul',
        null,
        waysOut(row).map(({ command, effect }) =>
          h('li', null, copyable(command, `the command: ${effect}`), h('span', { class: 'hint' }, effect)),
        ),
      ),
    ),
  );
}

const pieceOf = (piece: Piece): Child => (typeof piece === 'string' ? piece : name(piece.name));

const snapshotLink = (volset: string, snapshot: string): Child => [
  ', ',
  h('a', { href: hrefOf({ volset, snapshot }) }, 'its snapshot'),
];

function sideBox(volset: string, row: ConflictRow, side: SideName): HTMLElement {
  const stands = row.resolution === side;
  return h(
    'section',
    { class: stands ? 'side stands' : 'side', 'aria-label': SIDES[side] },
    h('h3', null, SIDES[side], stands && [' ', h('span', { class: 'tag' }, 'stands')]),
    valueBox(volset, row, side),
  );
}

function valueBox(volset: string, row: ConflictRow, side: SideName): HTMLElement {
  const told = sideOf(row, side);
  if ('nothing' in told) return h('p', { class: 'hint' }, told.nothing);
  if ('value' in told) return h('pre', { class: 'value' }, h('bdi', null, shownContent(told.value)));
  const { field: path, pathBase64 } = row;
  const href = hrefOf({ volset, snapshot: told.snapshot }, pathBase64 === undefined ? { path } : { path, pathBase64 });
  return h('p', null, 'as in snapshot ', h('a', { class: 'mono', href }, shortId(told.snapshot)));
}
