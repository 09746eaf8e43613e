/**
 * A table of any length: pages are asked for as one comes near their end, or by a button, and only the rows that are near
 * what is seen are drawn. All rows are equally high (style: `--row`). The page itself scrolls, so that phones behave.
 */
import { PlaitError } from '../../core/errors.ts';
import { type Child, h, replace } from '../dom.ts';
import { plural } from '../format.ts';
import { errorNotice } from './notice.ts';
import { seenRange, slotsOf } from './window-range.ts';

export interface Page<T> {
  rows: T[];
  /** null: this was the last. */
  next: string | null;
}

export interface Column {
  label: string;
  /** Of its cells, too. */
  class?: string;
}

export interface WindowListOptions<T> {
  /** Of the table, for screen readers. */
  caption: string;
  /** `entry`; of the line below the list. */
  one: string;
  many: string;
  columns: Column[];
  class?: string;
  /** A cell each. */
  cells(row: T): Child[];
  /** `signal` aborts where somebody stops it, too. */
  load(after: string | undefined, signal: AbortSignal): Promise<Page<T>>;
  /** What is done while pages come, in words: such a list can be stopped. */
  progress?: (() => string) | undefined;
  /** Shown where the list is empty. */
  empty: Child;
  signal: AbortSignal;
}

/** Pages are asked for when less than this many heights of the window are left below. */
const AHEAD = 1.5;

export class WindowList<T> {
  readonly node: HTMLElement;
  readonly #options: WindowListOptions<T>;
  readonly #rows: T[] = [];
  readonly #drawn = new Map<number, HTMLElement>();
  readonly #body = h('tbody', { role: 'rowgroup' });
  readonly #table: HTMLElement;
  readonly #foot = h('div', { class: 'list-foot' });
  #next: string | null | undefined;
  #busy = false;
  #failed: unknown;
  /** The last page had no rows: whoever cannot stop the list is asked before it goes on. */
  #empty = false;
  #stop = new AbortController();
  #frame = 0;

  constructor(options: WindowListOptions<T>) {
    this.#options = options;
    const { caption, columns, signal } = options;
    const heads = columns.map((column) =>
      h('th', { role: 'columnheader', scope: 'col', class: column.class }, column.label),
    );
    // Rows are laid out as grids, which would take their roles away.
    this.#table = h(
      'table',
      { class: `rows ${options.class ?? ''}`, role: 'table', 'aria-label': caption },
      h('thead', { role: 'rowgroup' }, h('tr', { role: 'row', 'aria-rowindex': 1 }, heads)),
      this.#body,
    );
    this.node = h('div', { class: 'window-list' }, this.#table, this.#foot);
    this.#table.addEventListener('keydown', (event) => this.#key(event));
    const soon = (): void => this.#soon();
    window.addEventListener('scroll', soon, { passive: true, signal });
    window.addEventListener('resize', soon, { passive: true, signal });
    // Rows that came before the list was shown are drawn when it is.
    const shown = new ResizeObserver(soon);
    shown.observe(this.node);
    signal.addEventListener('abort', () => shown.disconnect(), { once: true });
  }

  /** The first page, before the list is shown. Throws what keeps it from being read. */
  async begin(): Promise<this> {
    await this.#more();
    if (this.#failed !== undefined) throw this.#failed;
    this.#soon();
    return this;
  }

  get length(): number {
    return this.#rows.length;
  }

  #soon(): void {
    if (this.#frame !== 0) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      if (this.node.isConnected) this.#draw();
    });
  }

  #draw(): void {
    const { top, bottom } = this.#body.getBoundingClientRect();
    const rowHeight = this.#rowHeight();
    const height = window.innerHeight;
    const range = seenRange({ top, height, rowHeight, rows: this.#rows.length });
    const focused = [...this.#drawn].find(([, element]) => element.contains(document.activeElement))?.[0];
    this.#put(range, rowHeight, focused);
    if (bottom < height * (1 + AHEAD) && this.#failed === undefined && !this.#waits) void this.#more();
  }

  /** Only a button goes on. */
  get #waits(): boolean {
    return this.#stop.signal.aborted || (this.#empty && !this.#options.progress);
  }

  #rowHeight(): number {
    const row = this.#drawn.values().next().value;
    const height = row?.getBoundingClientRect().height ?? 0;
    return height > 0 ? height : 36;
  }

  /** Rows that stay keep their elements, and the focus with them. */
  #put(range: [number, number], rowHeight: number, focused?: number): void {
    const slots = slotsOf(range, this.#rows.length, focused);
    const kept = new Set(slots.flatMap((slot) => ('row' in slot ? slot.row : [])));
    for (const [index, element] of this.#drawn) {
      if (kept.has(index)) continue;
      element.remove();
      this.#drawn.delete(index);
    }
    for (const gap of this.#body.querySelectorAll(':scope > .gap')) gap.remove();
    let before: Element | null = this.#body.firstElementChild;
    for (const slot of slots) {
      const element = 'row' in slot ? this.#row(slot.row) : gapOf(slot.gap * rowHeight);
      if (element === before) before = before.nextElementSibling;
      else this.#body.insertBefore(element, before);
    }
  }

  #row(index: number): HTMLElement {
    const known = this.#drawn.get(index);
    if (known) return known;
    const { columns, cells } = this.#options;
    const made = h(
      'tr',
      { role: 'row', 'aria-rowindex': index + 2, 'data-index': index },
      cells(this.#rows[index]).map((child, i) =>
        h('td', { role: 'cell', class: columns[i].class, 'data-label': columns[i].label }, child),
      ),
    );
    this.#drawn.set(index, made);
    return made;
  }

  async #more(): Promise<void> {
    if (this.#busy || this.#next === null) return;
    const { signal } = this.#options;
    if (this.#stop.signal.aborted) this.#stop = new AbortController();
    const stop = this.#stop;
    this.#busy = true;
    this.#failed = undefined;
    this.#tell();
    try {
      const { rows, next } = await this.#options.load(this.#next, AbortSignal.any([signal, stop.signal]));
      if (next !== null && next === this.#next) throw new PlaitError('protocol', 'the hub gave the same page again');
      for (const row of rows) this.#rows.push(row);
      this.#next = next;
      this.#empty = rows.length === 0;
    } catch (error) {
      if (!stop.signal.aborted) this.#failed = error;
    }
    this.#busy = false;
    if (signal.aborted) return;
    this.#tell();
    this.#soon();
  }

  #tell(): void {
    const { length } = this.#rows;
    const whole = this.#next === null;
    this.#table.setAttribute('aria-rowcount', whole ? String(length + 1) : '-1');
    this.#table.hidden = length === 0;
    const focused = this.#foot.contains(document.activeElement);
    replace(
      this.#foot,
      this.#failed !== undefined && errorNotice(this.#failed, () => void this.#more()),
      whole && length === 0 ? this.#options.empty : h('span', { class: 'hint', role: 'status' }, this.#words()),
      !whole && this.#failed === undefined && this.#button(),
    );
    if (focused) this.#foot.querySelector('button')?.focus({ preventScroll: true });
  }

  #words(): string {
    const { one, many, progress } = this.#options;
    const told = plural(this.#rows.length, one, many);
    if (this.#next === null) return told;
    const stopped = this.#stop.signal.aborted ? ', stopped' : '';
    return [`${told} so far${stopped}`, progress?.()].filter(Boolean).join('; ');
  }

  #button(): HTMLElement {
    if (this.#busy && this.#options.progress)
      return h('button', { type: 'button', on: { click: () => this.#stop.abort() } }, 'Stop');
    return h(
      'button',
      { type: 'button', 'aria-disabled': this.#busy && 'true', on: { click: () => void this.#more() } },
      'Show more',
    );
  }

  /** Up and down go from row to row, by the first of each that can be opened. */
  #key(event: KeyboardEvent): void {
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    const from = (event.target as Element).closest<HTMLElement>('tr[data-index]');
    if (step === 0 || !from || event.altKey || event.ctrlKey || event.metaKey) return;
    const link = this.#drawn.get(Number(from.dataset.index) + step)?.querySelector<HTMLElement>('a, button');
    if (!link) return;
    event.preventDefault();
    link.focus();
  }
}

const gapOf = (height: number): HTMLElement =>
  h('tr', { class: 'gap', role: 'presentation', 'aria-hidden': 'true', style: { height: `${height}px` } });
