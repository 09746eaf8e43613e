/** A part of a view that is drawn again and again: only when it differs, and the focus stays where it was. */
import { replace } from '../dom.ts';

export class KeptPart {
  readonly node: HTMLElement;
  #shown = '';

  constructor(node: HTMLElement) {
    this.node = node;
  }

  draw(next: HTMLElement): void {
    if (next.outerHTML === this.#shown) return;
    this.#shown = next.outerHTML;
    const focused = this.node.contains(document.activeElement) ? document.activeElement : null;
    const link = focused?.getAttribute('href');
    replace(this.node, next);
    if (link) this.node.querySelector<HTMLElement>(`a[href="${CSS.escape(link)}"]`)?.focus({ preventScroll: true });
  }
}
