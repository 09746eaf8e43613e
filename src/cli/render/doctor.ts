/** How the findings of `plait doctor` read to people: a line each, the way out below it. */
import { showText } from '../../core/paths.ts';
import type { DoctorResult } from '../../sync/doctor/doctor.ts';
import type { Paint } from '../paint.ts';

/** `quiet`: only what is wrong. */
export function* doctorLines(
  { checks, ok }: DoctorResult,
  { quiet, paint }: { quiet: boolean; paint: Paint },
): Generator<string> {
  for (const row of checks) {
    if (quiet && row.ok) continue;
    const mark = !row.ok ? paint.bad('WRONG') : row.hint === null ? paint.good('ok   ') : paint.notice('note ');
    yield `${mark} ${showText(row.name)}: ${showText(row.detail)}`;
    if (row.hint !== null) yield `      ${showText(row.hint)}`;
  }
  if (quiet) return;
  const bad = checks.filter((row) => !row.ok).length;
  yield ok ? paint.good('all is well') : paint.bad(`${bad} of ${checks.length} checks found something`);
}
