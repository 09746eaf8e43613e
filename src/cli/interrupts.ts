/** SIGINT and SIGTERM: the first asks the run to stop, the second kills the process as if nobody had listened. */
import { PlaitError } from '../core/errors.ts';

const EXITS = { SIGINT: 130, SIGTERM: 143 } as const;
type Name = keyof typeof EXITS;

export interface Interrupts extends Disposable {
  readonly signal: AbortSignal;
  /** 130 or 143 once a signal came. */
  readonly exit: number | undefined;
}

export function listenForInterrupts(): Interrupts {
  const controller = new AbortController();
  let exit: number | undefined;
  const stop = (): void => {
    for (const name of Object.keys(EXITS)) process.off(name, onSignal);
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
  for (const name of Object.keys(EXITS)) process.on(name, onSignal);
  return {
    signal: controller.signal,
    get exit() {
      return exit;
    },
    [Symbol.dispose]: stop,
  };
}
