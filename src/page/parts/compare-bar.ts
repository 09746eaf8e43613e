/** Which snapshots were chosen to be compared, two at most, and the way to what differs between them. */
import { h, replace } from '../dom.ts';
import { shortId } from '../format.ts';
import { href } from '../router.ts';

export class CompareBar {
  readonly node = h('div', { class: 'compare', role: 'region', 'aria-label': 'Compare', hidden: true });
  /** In the order in which they were chosen. */
  readonly chosen = new Set<string>();
  readonly #volset: string;
  readonly #order: (id: string) => number;
  readonly #changed: () => void;
  readonly #said = h('p', { role: 'status' });
  readonly #actions = h('div', { class: 'actions' });

  /** @param order place in the history, from the newest */
  constructor(volset: string, order: (id: string) => number, changed: () => void) {
    this.#volset = volset;
    this.#order = order;
    this.#changed = changed;
    this.node.append(this.#said, this.#actions);
  }

  /** A third one takes the place of the first. */
  choose(id: string, on: boolean): void {
    this.chosen.delete(id);
    if (on) this.chosen.add(id);
    const [first] = this.chosen;
    const over = this.chosen.size > 2;
    if (over) this.chosen.delete(first);
    this.#draw();
    if (over) this.#changed();
  }

  #draw(): void {
    const ids = [...this.chosen].sort((a, b) => this.#order(b) - this.#order(a));
    this.node.hidden = ids.length === 0;
    const [older, newer] = ids;
    this.#said.textContent =
      newer === undefined
        ? `${shortId(older ?? '')} is chosen. Choose another to compare it with.`
        : `From ${shortId(older)} to ${shortId(newer)}`;
    replace(
      this.#actions,
      newer !== undefined &&
        h('a', { class: 'button', href: href('v', this.#volset, 'diff', older, newer) }, 'Compare'),
      h('button', { type: 'button', class: 'quiet', on: { click: () => this.#clear() } }, 'Clear'),
    );
  }

  #clear(): void {
    this.chosen.clear();
    this.#draw();
    this.#changed();
  }
}
