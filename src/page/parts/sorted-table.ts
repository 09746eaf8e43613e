/** A table whose columns can be sorted by, by buttons in their heads; on phones each row becomes a list of its own. */
import { type Child, h, replace } from '../dom.ts';

export interface Column<Row> {
  label: string;
  /** By what it sorts; absent: it does not. */
  key?: (row: Row) => string | number;
  number?: boolean;
  cell: (row: Row) => Child;
}

export interface SortedTable<Row> {
  node: HTMLTableElement;
  /** Shows these; the order that was chosen stays. */
  show(rows: readonly Row[]): void;
}

/** @param by index of the column that it is sorted by at first, ascending */
export function sortedTable<Row>(label: string, columns: Column<Row>[], by: number): SortedTable<Row> {
  let rows: readonly Row[] = [];
  let order: Order = { by, down: false };
  const body = h('tbody');
  const heads = columns.map((column, i) => head(column, () => sortBy(i)));
  const draw = (): void => {
    heads.forEach((cell, i) => {
      cell.ariaSort = columns[i].key ? (i !== order.by ? 'none' : order.down ? 'descending' : 'ascending') : null;
    });
    replace(
      body,
      sorted(rows, columns[order.by].key, order.down).map((row) => line(columns, row)),
    );
  };
  const sortBy = (i: number): void => {
    // Of figures the largest are asked for first.
    order = { by: i, down: order.by === i ? !order.down : columns[i].number === true };
    draw();
  };
  const node = h(
    'table',
    { class: 'table stack sorted', 'aria-label': label },
    h('thead', null, h('tr', null, heads)),
    body,
  );
  const show = (next: readonly Row[]): void => {
    rows = next;
    const focused = body.contains(document.activeElement) ? document.activeElement?.getAttribute('href') : undefined;
    draw();
    if (focused) body.querySelector<HTMLElement>(`a[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  };
  return { node, show };
}

interface Order {
  by: number;
  down: boolean;
}

function head<Row>({ label, key, number }: Column<Row>, sort: () => void): HTMLTableCellElement {
  const button = key && h('button', { type: 'button', on: { click: sort } }, label);
  return h('th', { scope: 'col', class: number ? 'number' : undefined }, button ?? label);
}

const line = <Row>(columns: Column<Row>[], row: Row): HTMLElement =>
  h(
    'tr',
    null,
    columns.map(({ label, number, cell }, i) =>
      h(
        i === 0 ? 'th' : 'td',
        { scope: i === 0 && 'row', class: number ? 'number' : undefined, 'data-label': label },
        cell(row),
      ),
    ),
  );

function sorted<Row>(rows: readonly Row[], key: Column<Row>['key'], down: boolean): Row[] {
  if (!key) return [...rows];
  const keyed = rows.map((row) => ({ row, key: key(row) }));
  const sign = down ? -1 : 1;
  return keyed.sort((a, b) => (a.key < b.key ? -sign : a.key > b.key ? sign : 0)).map(({ row }) => row);
}
