/**
 * A list of any length in the page's own scroll: rows of one height, of which only those near the window are elements.
 * The row that has the focus stays one, so that the keyboard goes on from where it was.
 */
import { h } from '../dom.ts';
import { drawnRows, seenRange } from './window-range.ts';

export interface WindowedOptions {
  /** A row's key, by which it is known when others come before it. */
  key(index: number): string;
  row(index: number): HTMLElement;
  /** All that `row` shows but ages: an element stays while it is the same. */
  shown(index: number): string;
  /** The last rows are near. */
  nearEnd(): void;
  signal: AbortSignal;
}

interface Made {
  element: HTMLElement;
  shown: string;
}

export class Windowed {
  readonly node = h('div', { class: 'windowed', role: 'rowgroup' });
  readonly #options: WindowedOptions;
  readonly #made = new Map<string, Made>();
  #count = 0;
  #height = 40;
  #frame = 0;

  constructor(options: WindowedOptions) {
    this.#options = options;
    const { signal } = options;
    const soon = (): void => {
      this.#frame ||= window.requestAnimationFrame(() => this.draw());
    };
    window.addEventListener('scroll', soon, { signal, passive: true });
    window.addEventListener('resize', soon, { signal });
    signal.addEventListener('abort', () => window.cancelAnimationFrame(this.#frame), { once: true });
  }

  get height(): number {
    return this.#height;
  }

  /** Rows that fit into the window. */
  get fitting(): number {
    return Math.max(1, Math.floor(window.innerHeight / this.#height) - 1);
  }

  /** Keys of the rows that are elements now. */
  get drawn(): string[] {
    return [...this.#made.keys()];
  }

  /** All rows may have changed. `added` ones came before those that were there: what is looked at stays where it is. */
  set(count: number, height: number, added = 0): void {
    const scrolled = this.node.isConnected && this.node.getBoundingClientRect().top < 0;
    this.#count = count;
    this.#height = height;
    this.node.style.setProperty('height', `${count * height}px`);
    const focus = this.#focused();
    if (added > 0 && scrolled) window.scrollBy({ top: added * height, behavior: 'instant' });
    this.draw(focus && focus.index + added);
    if (focus && !this.node.contains(document.activeElement)) this.#focusAgain(focus);
  }

  draw(also?: number): void {
    this.#frame = 0;
    if (this.#options.signal.aborted) return;
    const { top } = this.node.getBoundingClientRect();
    const seen = seenRange({ top, height: window.innerHeight, rowHeight: this.#height, rows: this.#count });
    this.#put(drawnRows(seen, this.#count, also ?? this.#focused()?.index));
    if (seen[1] >= this.#count - this.fitting) this.#options.nearEnd();
  }

  /** Gives the focus to what `selector` finds in a row, and shows it. */
  focus(index: number, selector: string): void {
    const at = Math.max(0, Math.min(this.#count - 1, index));
    const top = this.node.getBoundingClientRect().top + at * this.#height;
    if (top < 0) window.scrollBy({ top: top - this.#height, behavior: 'instant' });
    else if (top + 2 * this.#height > window.innerHeight)
      window.scrollBy({ top: top + 2 * this.#height - window.innerHeight, behavior: 'instant' });
    this.draw(at);
    this.#made.get(this.#options.key(at))?.element.querySelector<HTMLElement>(selector)?.focus({ preventScroll: true });
  }

  /** Index of the row that holds the focus. */
  get focusedIndex(): number | undefined {
    return this.#focused()?.index;
  }

  #put(indexes: number[]): void {
    const wanted = new Map(indexes.map((index) => [this.#options.key(index), index]));
    for (const [key, { element }] of this.#made) {
      if (wanted.has(key)) continue;
      element.remove();
      this.#made.delete(key);
    }
    // Elements that stay are not moved, which would take the focus from them, or a click that has begun.
    let at = this.node.firstChild;
    for (const [key, index] of wanted) {
      // One that is made anew takes the place of the one before.
      const isNext = at !== null && at === this.#made.get(key)?.element;
      const element = this.#element(key, index);
      if (isNext) at = element.nextSibling;
      else this.node.insertBefore(element, at);
    }
  }

  #element(key: string, index: number): HTMLElement {
    const there = this.#made.get(key);
    const shown = this.#options.shown(index);
    if (there?.shown === shown) return this.#place(there.element, index);
    const element = this.#place(this.#options.row(index), index);
    if (there) there.element.replaceWith(element);
    this.#made.set(key, { element, shown });
    return element;
  }

  #place(element: HTMLElement, index: number): HTMLElement {
    element.style.setProperty('transform', `translateY(${index * this.#height}px)`);
    element.style.setProperty('height', `${this.#height}px`);
    element.dataset.index = String(index);
    // The first is that of the heads.
    element.setAttribute('aria-rowindex', String(index + 2));
    return element;
  }

  #focused(): Focused | undefined {
    const element = document.activeElement;
    if (!(element instanceof HTMLElement) || !this.node.contains(element)) return undefined;
    for (const [key, { element: row }] of this.#made)
      if (row.contains(element)) return { key, index: Number(row.dataset.index), tag: element.tagName.toLowerCase() };
    return undefined;
  }

  #focusAgain({ key, tag }: Focused): void {
    this.#made.get(key)?.element.querySelector<HTMLElement>(tag)?.focus({ preventScroll: true });
  }
}

interface Focused {
  key: string;
  index: number;
  tag: string;
}
