/** One row of the graph as a drawing. What it says stands in words beside it, so it is hidden from screen readers. */
import type { HistoryRow } from '../../wire/views.ts';
import { svg } from '../dom.ts';
import { type Edge, type Laid, MAX_LANES } from './lanes.ts';

const COLOURS = 6;

export interface Measures {
  /** Lanes that are drawn. */
  width: number;
  pitch: number;
  height: number;
}

export function rowSvg(row: HistoryRow, { column, edges, above }: Laid, measures: Measures): SVGSVGElement {
  const { width, pitch, height } = measures;
  const lines = edges.map((edge) => line(edge, column, measures));
  const [x, y] = [at(column, pitch), height / 2];
  const up =
    above.length > 0 &&
    svg('path', { class: 'edge folded', style: { stroke: colour(column) }, d: `M${x} ${y}V2m-3 4 3-4 3 4` });
  const size = { width: width * pitch, height, viewBox: `0 0 ${width * pitch} ${height}` };
  return svg(
    'svg',
    { class: 'graph', 'aria-hidden': 'true', focusable: 'false', ...size },
    lines,
    up,
    node(row, x, y, column),
  );
}

const at = (lane: number, pitch: number): number => lane * pitch + pitch / 2;

const colour = (lane: number): string => `var(--lane-${lane % COLOURS})`;

function line({ from, to, target }: Edge, column: number, { pitch, height }: Measures): SVGPathElement {
  const [a, b] = [from === 'node' ? column : from, to === 'node' ? column : to];
  const [top, bottom] = [from === 'node' ? height / 2 : 0, to === 'node' ? height / 2 : height];
  const [x, x2, mid] = [at(a, pitch), at(b, pitch), (top + bottom) / 2];
  const d = a === b ? `M${x} ${top}V${bottom}` : `M${x} ${top}C${x} ${mid} ${x2} ${mid} ${x2} ${bottom}`;
  const folded = target === undefined || Math.max(a, b) === MAX_LANES - 1;
  // Of two lanes the outer one is the branch that leaves or comes back.
  return svg('path', { class: folded ? 'edge folded' : 'edge', d, style: { stroke: colour(Math.max(a, b)) } });
}

/** By shape: a merge is a diamond, what has no data here is hollow, what was forgotten a cross. */
function node({ parents, forgotten, hasBlob, damaged }: HistoryRow, x: number, y: number, column: number): SVGElement {
  const lane = colour(column);
  if (forgotten) return svg('path', { class: 'node', style: { stroke: lane }, d: `M${x - 4} ${y - 4}l8 8m0-8l-8 8` });
  const fill = hasBlob && !damaged ? lane : 'var(--card)';
  const style = { stroke: lane, fill };
  if (parents.length > 1) return svg('path', { class: 'node', style, d: `M${x} ${y - 6}l6 6-6 6-6-6z` });
  return svg('circle', { class: 'node', style, cx: x, cy: y, r: 4.5 });
}
