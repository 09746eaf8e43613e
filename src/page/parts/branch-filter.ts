/** Which branch's history is shown. Branches come and go while one looks; the choice stays as long as its branch. */
import { showText } from '../../core/paths.ts';
import { h, replace } from '../dom.ts';
import type { ShownBranch } from '../live/volset-live.ts';

export class BranchFilter {
  readonly #select = h('select', { id: 'branch-filter', on: { change: () => this.#choose() } });
  readonly node = h('div', { class: 'field' }, h('label', { for: 'branch-filter' }, 'Branch'), this.#select);
  readonly #changed: () => void;
  #branches: readonly ShownBranch[] = [];
  #chosen = '';
  #shown = '';

  constructor(changed: () => void) {
    this.#changed = changed;
  }

  /** undefined: all branches; null: the branch has no snapshot. */
  get tip(): string | null | undefined {
    return this.#branches.find(({ id }) => id === this.#chosen)?.tip;
  }

  show(branches: readonly ShownBranch[]): void {
    this.#branches = branches;
    if (!branches.some(({ id }) => id === this.#chosen)) this.#chosen = '';
    const names = JSON.stringify(branches.map(({ id, name }) => [id, name]));
    // An open list is not drawn anew under one's hand.
    if (names === this.#shown) return;
    this.#shown = names;
    replace(
      this.#select,
      h('option', { value: '' }, 'All, and those of others'),
      branches.map(({ id, name }) => h('option', { value: id }, showText(name))),
    );
    this.#select.value = this.#chosen;
  }

  #choose(): void {
    this.#chosen = this.#select.value;
    this.#changed();
  }
}
