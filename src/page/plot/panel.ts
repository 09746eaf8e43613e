/** One panel of a plot: lines over time with their axes, drawn as SVG. What it shows is also there as a table. */
import { h, replace, svg } from '../dom.ts';
import { bytes, dateTime } from '../format.ts';
import { lastUpTo, linear, logarithmic, type Scale } from './scales.ts';
import { byteTicks, logByteTicks, timeTicks } from './ticks.ts';

export interface Line {
  label: string;
  /** Class of the line, for its colour and its pattern. */
  kind: string;
  points: readonly { at: number; bytes: number }[];
}

export interface PanelOptions {
  title: string;
  lines: Line[];
  from: number;
  to: number;
  log: boolean;
  width: number;
}

const HEIGHT = 240;
const MARGIN = { left: 90, right: 14, top: 12, bottom: 44 };

export function panel(options: PanelOptions): HTMLElement {
  const { title, lines, from, to, width } = options;
  const x = linear(from, to, MARGIN.left, width - MARGIN.right);
  const values = lines.flatMap(({ points }) => points.map(({ bytes: size }) => size));
  const { y, ticks } = vertical(values, options.log);
  const cursor = svg('line', { class: 'cursor', y1: MARGIN.top, y2: HEIGHT - MARGIN.bottom, visibility: 'hidden' });
  const drawing = svg(
    'svg',
    {
      class: 'plot',
      width,
      height: HEIGHT,
      viewBox: `0 0 ${width} ${HEIGHT}`,
      role: 'img',
      'aria-label': `${title}: plot`,
    },
    ticks.map((tick) => rule(tick, y(tick), width)),
    timeAxis(x, options),
    lines.map(({ kind, points }) => svg('path', { class: `line ${kind}`, d: steps(points, x, y, x(to)) })),
    cursor,
  );
  const said = h('p', { class: 'readout', 'aria-hidden': 'true' });
  drawing.addEventListener('pointermove', (event) => {
    const share = (event.offsetX - x(from)) / Math.max(1, x(to) - x(from));
    const at = from + Math.max(0, Math.min(1, share)) * (to - from);
    for (const name of ['x1', 'x2']) cursor.setAttribute(name, String(x(at)));
    cursor.setAttribute('visibility', 'visible');
    replace(said, readout(lines, at));
  });
  drawing.addEventListener('pointerleave', () => {
    cursor.setAttribute('visibility', 'hidden');
    replace(said);
  });
  return h('figure', { class: 'card' }, h('figcaption', null, h('h2', null, title), legend(lines)), drawing, said);
}

function vertical(values: number[], log: boolean): { y: Scale; ticks: number[] } {
  const [bottom, top] = [HEIGHT - MARGIN.bottom, MARGIN.top];
  const max = values.reduce((most, value) => Math.max(most, value), 0);
  const least = values.reduce((low, value) => (value > 0 ? Math.min(low, value) : low), max);
  if (!log || least <= 0) {
    const ticks = byteTicks(max, 5);
    return { y: linear(0, ticks.at(-1) as number, bottom, top), ticks };
  }
  const ticks = logByteTicks(least, max, 6);
  return { y: logarithmic(ticks[0], ticks.at(-1) as number, bottom, top), ticks };
}

const rule = (value: number, y: number, width: number): SVGElement =>
  svg(
    'g',
    null,
    svg('line', { class: 'rule', x1: MARGIN.left, x2: width - MARGIN.right, y1: y, y2: y }),
    svg('text', { x: MARGIN.left - 8, y: y + 4, 'text-anchor': 'end' }, bytes(value)),
  );

function timeAxis(x: Scale, { from, to, width }: PanelOptions): SVGElement {
  const bottom = HEIGHT - MARGIN.bottom;
  const offset = -new Date((from + to) / 2).getTimezoneOffset() * 60_000;
  const ticks = timeTicks(from, to, Math.max(3, Math.floor(width / 130)), offset);
  return svg(
    'g',
    null,
    ticks.map(({ at, label }) => [
      svg('line', { class: 'rule', x1: x(at), x2: x(at), y1: bottom, y2: bottom + 5 }),
      svg('text', { x: x(at), y: bottom + 19, 'text-anchor': anchor(x(at), width) }, label),
    ]),
    svg(
      'text',
      { class: 'axis', x: (MARGIN.left + width - MARGIN.right) / 2, y: HEIGHT - 6, 'text-anchor': 'middle' },
      'Time',
    ),
    svg(
      'text',
      { class: 'axis', transform: `translate(12 ${HEIGHT / 2}) rotate(-90)`, 'text-anchor': 'middle' },
      'Bytes',
    ),
  );
}

const anchor = (x: number, width: number): string =>
  x > width - 50 ? 'end' : x < MARGIN.left + 30 ? 'start' : 'middle';

/** A value holds until the next. */
function steps(points: Line['points'], x: Scale, y: Scale, end: number): string {
  const [first, ...later] = points;
  if (!first) return '';
  const parts = later.map(({ at, bytes: size }) => `H${round(x(at))}V${round(y(size))}`);
  return `M${round(x(first.at))} ${round(y(first.bytes))}${parts.join('')}H${round(end)}`;
}

const round = (value: number): string => value.toFixed(1);

const legend = (lines: Line[]): HTMLElement =>
  h(
    'ul',
    { class: 'legend' },
    lines.map(({ label, kind }) => {
      const sample = svg('path', { class: `line ${kind}`, d: 'M0 6H28' });
      return h('li', null, svg('svg', { class: 'plot', width: 28, height: 12, 'aria-hidden': 'true' }, sample), label);
    }),
  );

function readout(lines: Line[], at: number): string {
  const values = lines.map(({ label, points }) => {
    const index = lastUpTo(points.length, (i) => points[i].at, at);
    return `${label}: ${index < 0 ? 'none yet' : bytes(points[index].bytes)}`;
  });
  return `${dateTime(at)} · ${values.join(' · ')}`;
}
