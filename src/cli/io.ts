/** The process as the commands see it: streams, environment, folder. One object, so that tests can bring their own. */
import type { Readable, Writable } from 'node:stream';

/** A stream that may lose its reader (`plait log | head`), which ends output quietly and is no error. */
export interface Output {
  readonly isTTY: boolean;
  /** Columns of the terminal; 80 where there is none. */
  readonly columns: number;
  /** True once the reader has gone or a write has failed; nothing more needs to be made. */
  readonly closed: boolean;
  /** Resolves when the data has left the process; false when nobody reads any more. */
  write(data: string | Uint8Array): Promise<boolean>;
  /** Below it all, for ora. */
  readonly stream: Writable;
  /** For diagnostics from synchronous code. */
  writeNow(data: string): void;
}

export interface Io {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly stdin: Readable;
  readonly env: Record<string, string | undefined>;
  readonly cwd: string;
}

export function outputOf(stream: Writable & { isTTY?: boolean; columns?: number }): Output {
  let closed = false;
  stream.on('error', () => {
    // Whoever wrote hears of it by the write itself; thrown here it would end up in a report that is written here too.
    closed = true;
  });
  return {
    stream,
    get isTTY() {
      return stream.isTTY === true;
    },
    get columns() {
      return stream.columns ?? 80;
    },
    get closed() {
      return closed;
    },
    write(data) {
      if (closed) return Promise.resolve(false);
      return new Promise((resolve, reject) => {
        stream.write(data, (error) => {
          if (!error) resolve(true);
          else if ((error as NodeJS.ErrnoException).code === 'EPIPE') resolve(false);
          else reject(error);
        });
      });
    },
    writeNow(data) {
      if (!closed) stream.write(data);
    },
  };
}

export function processIo(): Io {
  return {
    stdout: outputOf(process.stdout),
    stderr: outputOf(process.stderr),
    stdin: process.stdin,
    env: takeEnv(),
    cwd: process.cwd(),
  };
}

/** The service manager listens to us: what we start must not speak to it in our name, but by src/cli/readiness.ts. */
function takeEnv(): Io['env'] {
  if (process.env.NOTIFY_SOCKET === undefined) return process.env;
  const env = { ...process.env };
  delete process.env.NOTIFY_SOCKET;
  return env;
}

/** Bytes that are collected before they are written: a line at a time would cost a system call each. */
const BATCH = 64 * 1024;

/** Writes lines with back-pressure and stops making them when nobody reads. */
export async function writeLines(output: Output, lines: Iterable<string> | AsyncIterable<string>): Promise<void> {
  let pending = '';
  for await (const line of lines) {
    pending += `${line}\n`;
    if (pending.length < BATCH) continue;
    if (!(await output.write(pending))) return;
    pending = '';
  }
  if (pending !== '') await output.write(pending);
}

/** Writes bytes with back-pressure and stops making them when nobody reads. */
export async function writeBytes(
  output: Output,
  pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<void> {
  for await (const piece of pieces) if (!(await output.write(piece))) return;
}
