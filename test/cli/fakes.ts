/** An Io that keeps what is written, and a config in memory: for running commands in the test's own process. */
import { Readable, Writable } from 'node:stream';
import type { ConfigStore } from '../../src/cli/config-store.ts';
import { Context } from '../../src/cli/context.ts';
import type { Io, Output } from '../../src/cli/io.ts';
import type { ContextOf } from '../../src/cli/run-command.ts';

export interface Kept extends Output {
  text: string;
}

export function keptOutput(isTTY = false): Kept {
  const kept: Kept = {
    text: '',
    isTTY,
    columns: 80,
    closed: false,
    stream: new Writable({
      write(chunk, _encoding, done) {
        kept.text += String(chunk);
        done();
      },
    }),
    async write(data) {
      kept.text += typeof data === 'string' ? data : Buffer.from(data).toString('latin1');
      return true;
    },
    writeNow(data) {
      kept.text += data;
    },
  };
  return kept;
}

export interface KeptIo extends Io {
  stdout: Kept;
  stderr: Kept;
}

export function keptIo(env: Record<string, string> = {}, tty = false): KeptIo {
  return { stdout: keptOutput(tty), stderr: keptOutput(tty), stdin: Readable.from([]), env, cwd: '/' };
}

export function memoryConfig(values: Record<string, string> = {}): ConfigStore {
  return {
    origin: 'memory',
    read: () => ({ ...values }),
    write(key, value) {
      if (value === null) delete values[key];
      else values[key] = value;
    },
  };
}

/** Contexts that find `config`, or no store. */
export const contextWith =
  (config?: ConfigStore): ContextOf =>
  (io, place, signal) => {
    const context = new Context(io, place, signal);
    context.findConfig = async () => config;
    return context;
  };
