/**
 * What ends a run from outside. SIGINT and SIGTERM: the first asks the run to stop, the second kills the process as if
 * nobody had listened. A deadline asks in the same way.
 */
import { PlaitError } from '../core/errors.ts';

const EXITS = { SIGINT: 130, SIGTERM: 143 } as const;
type Name = keyof typeof EXITS;

/** setTimeout takes no more. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;
/** SQLite gives up a wait somewhat before its end. */
const SLACK_MS = 250;

export interface Interrupts extends Disposable {
  readonly signal: AbortSignal;
  /** 130 or 143 once a signal came. */
  readonly exit: number | undefined;
  /** The run is asked to stop so many milliseconds after its start. */
  endAfter(ms: number): void;
  /** Milliseconds until then; Infinity without a deadline. Not below 0. */
  remaining(): number;
  /** Of what a run failed with: the deadline, where that is what cut it short. */
  blame(failure: PlaitError): PlaitError;
}

export function listenForInterrupts(): Interrupts {
  const start = performance.now();
  const controller = new AbortController();
  let exit: number | undefined;
  let deadlineMs: number | undefined;
  let timer: NodeJS.Timeout | undefined;
  const stop = (): void => {
    for (const name of Object.keys(EXITS)) process.off(name, onSignal);
    clearTimeout(timer);
  };
  const onSignal = (name: Name): void => {
    if (exit !== undefined) {
      stop();
      process.kill(process.pid, name);
      return;
    }
    exit = EXITS[name];
    controller.abort(new PlaitError('interrupted', `interrupted by ${name}`));
  };
  const remaining = (): number =>
    deadlineMs === undefined ? Number.POSITIVE_INFINITY : Math.max(0, start + deadlineMs - performance.now());
  const arm = (): void => {
    clearTimeout(timer);
    const left = remaining();
    if (left <= 0) controller.abort(passed(deadlineMs ?? 0));
    else timer = setTimeout(arm, Math.min(left, LONGEST_TIMER_MS)).unref();
  };
  for (const name of Object.keys(EXITS)) process.on(name, onSignal);
  return {
    signal: controller.signal,
    get exit() {
      return exit;
    },
    endAfter(ms) {
      deadlineMs = ms;
      arm();
    },
    remaining,
    blame(failure) {
      // A lock is waited for until the deadline at most, by a wait that no timer ends.
      const isPast = deadlineMs !== undefined && remaining() <= (failure.code === 'busy' ? SLACK_MS : 0);
      if (exit !== undefined) return failure.code === 'interrupted' ? named(failure, controller.signal) : failure;
      return isPast ? asPassed(failure, deadlineMs ?? 0) : failure;
    },
    [Symbol.dispose]: stop,
  };
}

/** Where the work was stopped, nobody knew by which signal. */
function named(failure: PlaitError, { reason }: AbortSignal): PlaitError {
  const { hint, data } = failure;
  if (failure === reason) return failure;
  return new PlaitError('interrupted', (reason as PlaitError).message, { hint, data, cause: failure });
}

const passed = (ms: number): PlaitError =>
  new PlaitError('deadline', `the deadline of ${ms / 1000} s has passed`, {
    hint: 'run it again: it goes on where it stopped; or give it more time with --deadline',
  });

/** What a stop looks like where it struck: an end of the work, a line that was cut, a lock that was not given. */
const CUT_SHORT = new Set(['interrupted', 'network', 'busy']);

function asPassed(failure: PlaitError, ms: number): PlaitError {
  if (!CUT_SHORT.has(failure.code)) return failure;
  const { message, hint } = passed(ms);
  // What the failure says of snapshots and queue stands in its data as well.
  return new PlaitError('deadline', message, { hint, data: failure.data, cause: failure });
}
