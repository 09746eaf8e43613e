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
    `Median of ${report.runs} runs, load ${loadOf(report)}.`,
    '',
    ...tableOf(report.rows, ours),
    '',
    ...(report.scenario.goals ?? []).map((goal) => goalLine(goal, report.rows)),
    '',
  ];
  return lines.join('\n');
}

const loadOf = ({ load }: Report): string =>
  [Math.min(...load), Math.max(...load)].map((value) => value.toFixed(1)).join(' to ');

type Column = [head: string, cell: (row: Row) => string];

const COLUMNS: Column[] = [
  ['CPU s', ({ cpu }) => cpu.toFixed(2)],
  ['peak RSS', ({ peakRss }) => size(peakRss)],
  ['server CPU s', ({ serverCpu }) => serverCpu?.toFixed(2) ?? ''],
  ['server RSS', ({ serverRss }) => size(serverRss)],
  ['stored', ({ stored }) => size(stored)],
  ['sent', ({ sent }) => size(sent)],
  ['x line', ({ line }) => line?.toFixed(2) ?? ''],
];

/** Columns that nobody has anything in are left out. */
function tableOf(rows: Row[], ours: Row | undefined): string[] {
  const columns = COLUMNS.filter(([, cell]) => rows.some((row) => cell(row) !== ''));
  const heads = ['tool', 'seconds (min-max)', 'plait / tool', ...columns.map(([head]) => head)];
  const line = (cells: string[]): string => `| ${cells.join(' | ')} |`;
  return [
    line(heads),
    `|${'---|'.repeat(heads.length)}`,
    ...rows.map((row) => line([...firstCells(row, ours), ...columns.map(([, cell]) => cell(row))])),
  ];
}

function firstCells(row: Row, ours: Row | undefined): string[] {
  const ratio = ours && row !== ours ? (ours.seconds / row.seconds).toFixed(2) : '';
  return [row.name, `${row.seconds.toFixed(2)} (${row.min.toFixed(2)}-${row.max.toFixed(2)})`, ratio];
}

export function goalLine(goal: Goal, rows: Row[]): string {
  const measure = goal.measure ?? 'seconds';
  const ours = rows.find((row) => row.name === 'plait')?.[measure];
  if (goal.against === undefined) return limitLine(measure, ours, goal.factor);
  const theirs = rows.find((row) => row.name === goal.against)?.[measure];
  if (ours === undefined || theirs === undefined)
    return `* goal ${measure} <= ${goal.factor} x ${goal.against}: not measured`;
  if (goal.plus !== undefined) {
    const most = goal.factor * theirs + goal.plus;
    const met = ours <= most ? 'met' : '**missed**';
    return `* goal ${measure} <= ${goal.factor} x ${goal.against} + ${goal.plus}: ${ours.toFixed(3)} of ${most.toFixed(3)}, ${met}`;
  }
  const ratio = ours / theirs;
  return `* goal ${measure} <= ${goal.factor} x ${goal.against}: ${ratio.toFixed(2)} x, ${ratio <= goal.factor ? 'met' : '**missed**'}`;
}

const limitLine = (measure: string, ours: number | undefined, most: number): string =>
  `* goal ${measure} <= ${most}: ${ours === undefined ? 'not measured' : `${Math.round(ours * 100) / 100}, ${ours <= most ? 'met' : '**missed**'}`}`;
