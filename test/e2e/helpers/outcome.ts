/** The contract of a failure, demanded alike of the text and of the JSON form. */
import assert from 'node:assert/strict';
import { type Ended, plait, type SpawnSetup } from './plait.ts';

export interface Failure {
  exit: number;
  code: string;
  message: RegExp;
  /** The way out; every failure has one. */
  hint?: RegExp;
}

const BUG = /this is a bug in plait/;

/** One sentence on one line, a hint on the next, nothing on stdout. */
export function assertTextFailure(end: Ended, wanted: Failure, what: string): void {
  assert.equal(end.exit, wanted.exit, `${what}: ${JSON.stringify(end)}`);
  assert.equal(end.stdout, '', what);
  const [, message, hint] = /^error: (.+)\nhint: (.+)\n$/.exec(withoutProgress(end.stderr)) ?? [];
  assert.ok(message, `${what}: ${JSON.stringify(end.stderr)}`);
  assert.match(message, wanted.message, what);
  assert.match(hint, wanted.hint ?? /\S/, what);
  assert.doesNotMatch(hint, BUG, what);
  assert.doesNotMatch(end.stderr, /[\u001b\r]|\n {4}at /, what);
}

/** The one document on stdout; hands back the error in it. */
export function assertJsonFailure(end: Ended, wanted: Failure, what: string): Record<string, unknown> {
  assert.equal(end.exit, wanted.exit, `${what}: ${JSON.stringify(end)}`);
  assert.match(end.stdout, /^\{.*\}\n$/, what);
  const { error } = JSON.parse(end.stdout);
  assert.deepEqual(Object.keys(error), ['code', 'message', 'hint', 'exit', 'data'], what);
  assert.deepEqual([error.code, error.exit], [wanted.code, wanted.exit], what);
  assert.match(error.message, wanted.message, what);
  assert.match(error.hint, wanted.hint ?? /\S/, what);
  return error;
}

/** Runs twice, as text and with --json, and demands the same of both. */
export async function fails(argv: string[], wanted: Failure, setup: SpawnSetup = {}): Promise<Record<string, unknown>> {
  const what = `plait ${argv.join(' ')}`;
  assertTextFailure(await plait(argv, setup), wanted, what);
  return assertJsonFailure(await plait(['--json', ...argv], setup), wanted, what);
}

const withoutProgress = (stderr: string): string => stderr.replace(/^note: .*\n/gm, '');
