/** The one place where a failure becomes what the user sees: two lines on stderr, or one JSON document on stdout. */
import { codeOfErrno, type ErrorCode, PlaitError } from '../core/errors.ts';
import { showText } from '../core/paths.ts';
import { hintWithRecorded } from '../sync/recorded.ts';
import type { Io } from './io.ts';
import { paintFor } from './paint.ts';

const BUG = 'this is a bug in plait: please report it together with what PLAIT_DEBUG=1 prints';

/** Exit codes of runs that did what could be done: their documents are results, even when they come as an error. */
const WITH_RESULT = new Set([3, 4, 5, 6, 7, 8, 9, 18]);

const ERRNO_HINTS: Partial<Record<ErrorCode, string>> = {
  'no-space': 'make room on that disk and run the command again: nothing is half-written',
  io: 'see whether the path may be read and written by this user, then run the command again',
};

/** The way out where whoever threw had nothing better to say. */
const DEFAULT_HINTS: Partial<Record<ErrorCode, string>> = {
  unexpected: BUG,
  usage: 'see `plait --help`',
  'bad-config': 'see `plait config list`',
  network: 'try again later; if it stays so, check the URL with `plait remote list`',
  deadline: 'try again later',
  busy: 'try again when the other command has ended, or wait longer with --lock-wait',
  integrity: 'see what is damaged with `plait verify --read-data`',
  protocol: 'update the older of the two sides; if both are new, run the command again',
  format: 'use the version of plait that wrote it, or a newer one',
  forbidden: 'ask whoever runs the hub for a token with that right',
  quota: 'ask whoever runs the hub for room',
  'not-found': 'see `plait branch list` and `plait volset list`',
  interrupted: 'run the command again: it continues where it stopped',
  ...ERRNO_HINTS,
};

/** Anything that can be thrown, as the error that the table of codes knows. */
export function normalizeFailure(error: unknown): PlaitError {
  if (error instanceof PlaitError) return error;
  if (!(error instanceof Error)) return new PlaitError('unexpected', String(error), { hint: BUG });
  if (error.name === 'AbortError') return new PlaitError('interrupted', 'interrupted', { cause: error });
  const code = codeOfErrno((error as NodeJS.ErrnoException).code);
  if (code === undefined) return new PlaitError('unexpected', error.message, { hint: BUG, cause: error });
  return new PlaitError(code, error.message, { hint: ERRNO_HINTS[code], cause: error });
}

/** The JSON document of a failure. */
export function failureDocument(error: PlaitError, exit: number): object {
  const { code, message, data } = error;
  const { result, ...rest } = data ?? {};
  const isResult = WITH_RESULT.has(exit) && typeof result === 'object' && result !== null;
  const facts = isResult ? rest : (data ?? {});
  const body = { code, message, hint: hintOf(error) ?? null, exit, data: Object.keys(facts).length > 0 ? facts : null };
  return isResult ? { ...result, error: body } : { error: body };
}

const hintOf = ({ code, hint, data }: PlaitError): string | undefined =>
  hintWithRecorded(hint ?? DEFAULT_HINTS[code], data);

/** Prints a failure. `exit` is the code that the process will end with, which a signal may have changed. */
export async function printFailure(error: PlaitError, exit: number, json: boolean, io: Io): Promise<void> {
  // Where stdout is the very thing that failed, stderr still hears of it.
  const told = json && (await io.stdout.write(`${JSON.stringify(failureDocument(error, exit))}\n`).catch(() => false));
  if (!told && json) {
    await io.stderr.write(`${JSON.stringify(failureDocument(error, exit))}\n`).catch(() => false);
  } else if (!told) {
    const text = hintOf(error);
    const paint = await paintFor(io.stderr, io.env);
    const hint = text === undefined ? '' : `${paint.notice('hint:')} ${showText(text)}\n`;
    // Nobody is left to be told of a stderr that fails; the exit code still says what happened.
    await io.stderr.write(`${paint.bad('error:')} ${showText(error.message)}\n${hint}`).catch(() => false);
  }
  if (io.env.PLAIT_DEBUG === '1') await io.stderr.write(`${stackOf(error)}\n`);
}

function stackOf(error: Error): string {
  const own = error.stack ?? error.message;
  return error.cause instanceof Error ? `${own}\ncaused by: ${stackOf(error.cause)}` : own;
}
