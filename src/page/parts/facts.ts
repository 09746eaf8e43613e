/** A few facts about one thing. */
import { type Child, h } from '../dom.ts';

/** What is null or false is left out. */
export const facts = (...rows: ([term: string, ...value: Child[]] | null | false)[]): HTMLElement =>
  h(
    'dl',
    { class: 'facts' },
    rows.map((row) => row && h('div', null, h('dt', null, row[0]), h('dd', null, row.slice(1)))),
  );
