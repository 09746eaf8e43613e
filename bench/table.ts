/** Reports as Markdown, with the goals held against what was measured. */
import { cpus, totalmem } from 'node:os';
import type { Goal, Report, Row } from './scenario.ts';

const MiB = 1024 * 1024;
function size(bytes: number | undefined): string {
  if (bytes === undefined) return '';
  if (bytes < MiB / 10) return `${bytes} B`;
  return `${(bytes / MiB).toFixed(bytes < 10 * MiB ? 2 : 0)} MiB`;
}

export function machine(): string {
  const [first] = cpus();
  return `${first?.model.trim() ?? 'unknown processor'}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`;
}

export function markdown(report: Report): string {
  const ours = report.rows.find((row) => row.name === 'plait');
  const lines = [
    `### ${report.scenario.title}`,
    '',
    `Median of ${report.runs} runs.`,
    '',
    '| tool | seconds (min-max) | plait / tool | peak RSS | stored | sent |',
    '|---|---|---|---|---|---|',
    ...report.rows.map((row) => rowLine(row, ours)),
    '',
    ...(report.scenario.goals ?? []).map((goal) => goalLine(goal, report.rows)),
    '',
  ];
  return lines.join('\n');
}

function rowLine(row: Row, ours: Row | undefined): string {
  const ratio = ours && row !== ours ? (ours.seconds / row.seconds).toFixed(2) : '';
  const spread = `${row.seconds.toFixed(2)} (${row.min.toFixed(2)}-${row.max.toFixed(2)})`;
  return `| ${row.name} | ${spread} | ${ratio} | ${size(row.peakRss)} | ${size(row.stored)} | ${size(row.sent)} |`;
}

export function goalLine(goal: Goal, rows: Row[]): string {
  const measure = goal.measure ?? 'seconds';
  const ours = rows.find((row) => row.name === 'plait')?.[measure];
  if (goal.against === undefined) return limitLine(measure, ours, goal.factor);
  const theirs = rows.find((row) => row.name === goal.against)?.[measure];
  if (ours === undefined || theirs === undefined)
    return `* goal ${measure} <= ${goal.factor} x ${goal.against}: not measured`;
  const ratio = ours / theirs;
  return `* goal ${measure} <= ${goal.factor} x ${goal.against}: ${ratio.toFixed(2)} x, ${ratio <= goal.factor ? 'met' : '**missed**'}`;
}

const limitLine = (measure: string, ours: number | undefined, most: number): string =>
  `* goal ${measure} <= ${most}: ${ours === undefined ? 'not measured' : `${ours}, ${ours <= most ? 'met' : '**missed**'}`}`;
