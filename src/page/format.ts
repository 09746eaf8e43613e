/** Figures for people. Machines' forms stand in titles and `datetime`, beside them. */
import { h } from './dom.ts';
import { ago, iso } from './figures.ts';

export { ago, bytes, count, dateTime, iso, plural, saved, shortId } from './figures.ts';

export const time = (at: number, now: number, className = 'time'): HTMLElement =>
  h('time', { class: className, datetime: iso(at), title: iso(at) }, ago(at, now));
