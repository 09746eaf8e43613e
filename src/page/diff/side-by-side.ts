/** Rows of a text diff as a table: two columns beside each other, below each other on a phone (style). */
import { type Child, h } from '../dom.ts';
import { plural } from '../format.ts';
import { emptyNotice } from '../parts/notice.ts';
import { shownContent } from '../plain-text.ts';
import { marksOf, type Piece } from './marks.ts';
import { type Block, foldRows, type Line, type Row, rowsOf } from './rows.ts';

/** Rows that are drawn at once. */
const MOST = 1000;
/** Characters of a line that are drawn: laying out a million in one, of some scripts, stops a browser for minutes. */
const LINE = 5000;
/** Marks within lines are worth this long, for all rows that are drawn at once. */
const MARKS_MS = 200;

/** undefined: too different to be told line by line. */
export function sideBySide(before: string, after: string): HTMLElement | undefined {
  const rows = rowsOf(before, after);
  if (!rows) return undefined;
  if (rows.length === 0) return emptyNotice('There is nothing in it.');
  const body = h('tbody');
  const table = h(
    'table',
    { class: 'side-by-side', 'aria-label': 'Text, before and after' },
    h(
      'colgroup',
      null,
      ['line', 'text', 'line', 'text'].map((kind) => h('col', { class: kind })),
    ),
    h(
      'thead',
      { class: 'sr-only' },
      h(
        'tr',
        null,
        ['Line before', 'Before', 'Line after', 'After'].map((text) => h('th', { scope: 'col' }, text)),
      ),
    ),
    body,
  );
  const box = h(
    'div',
    null,
    rows.every(({ kind }) => kind === 'same') && emptyNotice('The text is the same on both sides.'),
    table,
  );
  body.append(...blocksOf(foldRows(rows)));
  return box;
}

/** What is too much to be drawn at once waits behind a button, as folds do. */
function blocksOf(blocks: Block[]): HTMLElement[] {
  const drawn: HTMLElement[] = [];
  const draw = drawer();
  let left = MOST;
  for (const [i, block] of blocks.entries()) {
    if ('fold' in block) drawn.push(foldRow(block.fold));
    else {
      drawn.push(...block.rows.slice(0, left).map(draw));
      if (block.rows.length > left) {
        const rest: Block[] = [{ rows: block.rows.slice(left) }, ...blocks.slice(i + 1)];
        return [...drawn, moreRow(rest)];
      }
      left -= block.rows.length;
    }
  }
  return drawn;
}

const foldRow = (rows: Row[]): HTMLElement =>
  buttonRow(`Show ${plural(rows.length, 'unchanged line')}`, () => {
    const rest = rows.slice(MOST);
    return [...rows.slice(0, MOST).map(drawer()), ...(rest.length > 0 ? [foldRow(rest)] : [])];
  });

function moreRow(blocks: Block[]): HTMLElement {
  const lines = blocks.reduce((sum, block) => sum + ('fold' in block ? block.fold : block.rows).length, 0);
  return buttonRow(`Show more: ${plural(lines, 'line')} follow`, () => blocksOf(blocks));
}

/** Takes the place of what its button gives, whose first line then has the focus. */
function buttonRow(text: string, open: () => HTMLElement[]): HTMLElement {
  const click = (): void => {
    const rows = open();
    row.replaceWith(...rows);
    rows[0].setAttribute('tabindex', '-1');
    rows[0].focus({ preventScroll: true });
  };
  const row = h(
    'tr',
    { class: 'fold' },
    h('td', { colspan: 4 }, h('button', { type: 'button', class: 'quiet', on: { click } }, text)),
  );
  return row;
}

function drawer(): (row: Row) => HTMLElement {
  const until = performance.now() + MARKS_MS;
  return (row) => {
    const marks =
      row.kind === 'changed' && performance.now() < until ? marksOf(row.left.text, row.right.text) : undefined;
    const { kind, left, right } = row;
    return h(
      'tr',
      { class: kind },
      cells('before', kind, left, marks?.left),
      cells('after', kind, right, marks?.right),
    );
  };
}

function cells(
  side: 'before' | 'after',
  kind: Row['kind'],
  line: Line | undefined,
  pieces: Piece[] | undefined,
): Child {
  if (!line) return [h('td', { class: `line ${side} none` }), h('td', { class: `text ${side} none` })];
  const differs = kind !== 'same';
  const [sign, word] = side === 'before' ? ['−', 'removed: '] : ['+', 'added: '];
  return [
    h('td', { class: `line ${side}` }, line.number),
    h(
      'td',
      { class: `text ${side}${differs ? ' differs' : ''}` },
      differs && [h('span', { class: 'sign', 'aria-hidden': 'true' }, sign), h('span', { class: 'sr-only' }, word)],
      h('bdi', null, pieces ? pieces.map((piece) => pieceOf(side, piece)) : shownContent(line.text.slice(0, LINE))),
      line.text.length > LINE &&
        h('span', { class: 'hint no-end' }, ` … ${plural(line.text.length - LINE, 'character')} more, not shown`),
      line.open && h('span', { class: 'hint no-end' }, ' no newline at the end'),
    ),
  ];
}

const pieceOf = (side: 'before' | 'after', { text, changed }: Piece): Child =>
  changed ? h(side === 'before' ? 'del' : 'ins', null, shownContent(text)) : shownContent(text);
