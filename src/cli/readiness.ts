/**
 * Tells a service manager how far a long run is, where it asked to be told ($NOTIFY_SOCKET, systemd's Type=notify).
 * Node cannot send datagrams to such a socket, so systemd-notify does it; without it a unit of Type=exec serves as well.
 * Never a reason to fail: what goes wrong is one warning, and the run goes on.
 */
import { promisify } from 'node:util';
import type { Context } from './context.ts';

/** One message; systemd-notify waits until systemd has read it. */
const LIMIT_MS = 5000;
/** Between two status lines: each costs a process. */
const PAUSE_MS = 5000;
const MAX_STATUS = 300;

/** Replaces the line that `systemctl status` shows. Returns at once; what comes too quickly is left out but for the last. */
export type Tell = (status: string) => void;

type Told = Pick<Context, 'io' | 'signal' | 'reporter' | 'onClose'>;

/**
 * The service does what it is there for from now on. That it stops is told by itself: when the run is asked to end, or
 * when it ends.
 */
export async function ready(context: Told, status: string): Promise<Tell> {
  const { NOTIFY_SOCKET: socket, PATH } = context.io.env;
  if (!socket) return () => {};
  const manager = new Manager({ NOTIFY_SOCKET: socket, ...(PATH !== undefined && { PATH }) }, context);
  const stopping = (): Promise<void> => manager.stop();
  context.signal.addEventListener('abort', () => void stopping(), { once: true });
  context.onClose(stopping);
  await manager.send('--ready', statusOf(status));
  if (context.signal.aborted) await stopping();
  return (text) => manager.tell(statusOf(text));
}

/** Lines are what the protocol is made of: a name from elsewhere must not bring one of its own. */
const statusOf = (text: string): string =>
  `--status=${text.replace(/[\u0000-\u001f\u007f]+/g, ' ').slice(0, MAX_STATUS)}`;

class Manager {
  /** All that the helper is given: it needs no token of ours. */
  readonly #env: Record<string, string>;
  readonly #context: Told;
  #sent: Promise<void> = Promise.resolve();
  #works = true;
  #stopped: Promise<void> | undefined;
  #pause: NodeJS.Timeout | undefined;
  #next: string | undefined;

  constructor(env: Record<string, string>, context: Told) {
    this.#env = env;
    this.#context = context;
  }

  /** One at a time, in order. */
  send(...args: string[]): Promise<void> {
    this.#sent = this.#sent.then(() => this.#run(args));
    return this.#sent;
  }

  tell(status: string): void {
    if (this.#stopped) return;
    this.#next = status;
    if (this.#pause) return;
    void this.#flush();
    // unref: a line that nobody may read must not keep the process.
    this.#pause = setTimeout(() => {
      this.#pause = undefined;
      if (this.#next !== undefined) this.tell(this.#next);
    }, PAUSE_MS).unref();
  }

  stop(): Promise<void> {
    clearTimeout(this.#pause);
    this.#stopped ??= this.send('STOPPING=1');
    return this.#stopped;
  }

  #flush(): Promise<void> {
    const status = this.#next;
    this.#next = undefined;
    return status === undefined ? this.#sent : this.send(status);
  }

  async #run(args: string[]): Promise<void> {
    if (!this.#works) return;
    try {
      const { execFile } = await import('node:child_process');
      await promisify(execFile)('systemd-notify', args, { env: this.#env, timeout: LIMIT_MS, killSignal: 'SIGKILL' });
    } catch (error) {
      this.#works = false;
      // Who stops a service may stop its helpers first.
      if (this.#context.signal.aborted) return;
      this.#context.reporter.warn(`the service manager could not be told (systemd-notify): ${reasonOf(error)}`);
    }
  }
}

function reasonOf(error: unknown): string {
  const { code, killed, message, stderr } = error as Error & { code?: unknown; killed?: boolean; stderr?: string };
  if (code === 'ENOENT') return 'it is not installed';
  if (killed) return 'it did not answer';
  return stderr?.trim().split('\n')[0] || message.split('\n')[0];
}
