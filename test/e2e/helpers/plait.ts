/** The program as users run it: a process of its own. `npm test` runs the built one, mocha alone the sources. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../../..');
const built = /^(test|coverage)$/.test(process.env.npm_lifecycle_event ?? '');
export const BIN = join(root, 'bin', built ? 'run.js' : 'dev.js');

/** No process outlives its test by much, whatever went wrong. */
export const LIMIT = { timeout: 60_000, killSignal: 'SIGKILL' } as const;

export interface Ended {
  exit: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface SpawnSetup {
  cwd?: string;
  /** Added to the environment; PLAIT_ variables of the caller are not passed on. */
  env?: Record<string, string>;
  /** Written to stdin, which is closed then. */
  input?: string | Uint8Array;
  /** Another script than plait itself. */
  script?: string;
  /** For what is meant to live as long as a whole file of tests, ms. */
  timeout?: number;
}

export interface Running {
  child: ChildProcess;
  /** Resolves when stdout and stderr together match. Rejects when the process ends before they do. */
  output(pattern: RegExp): Promise<RegExpMatchArray>;
  ended: Promise<Ended>;
}

/** What plait notes about its stores outside of them, for one run of the tests. */
const STATE = mkdtempSync(join(tmpdir(), 'plait-state-'));
process.on('exit', () => rmSync(STATE, { recursive: true, force: true }));

/** Nothing of the machine's own plait, and one cache of compiled code for all tests. */
export function cleanEnv(extra: Record<string, string> = {}): Record<string, string> {
  const kept = Object.entries(process.env).filter(([name]) => !/^(PLAIT_|NO_COLOR$|FORCE_COLOR$|CI$|npm_)/.test(name));
  return { ...(Object.fromEntries(kept) as Record<string, string>), XDG_STATE_HOME: STATE, ...extra };
}

export function startPlait(
  argv: readonly string[],
  { cwd, env, input, script = BIN, timeout = LIMIT.timeout }: SpawnSetup = {},
): Running {
  const child = spawn(process.execPath, [script, ...argv], {
    cwd,
    env: cleanEnv(env),
    stdio: 'pipe',
    ...LIMIT,
    timeout,
  });
  return follow(child, input);
}

export function follow(child: ChildProcess, input?: string | Uint8Array): Running {
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  const waiting = new Set<() => void>();
  const wake = (): void => {
    for (const check of waiting) check();
  };
  const text = (chunks: Buffer[]): string => Buffer.concat(chunks).toString();
  child.stdout?.on('data', (chunk: Buffer) => {
    out.push(chunk);
    wake();
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    err.push(chunk);
    wake();
  });
  // A process may end without reading what it was sent.
  child.stdin?.on('error', () => {});
  if (input !== undefined) child.stdin?.end(input);
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (exit, signal) => {
      resolve({ exit, signal, stdout: text(out), stderr: text(err) });
    });
  });
  const output = (pattern: RegExp): Promise<RegExpMatchArray> =>
    new Promise((resolve, reject) => {
      const check = (): void => {
        const match = pattern.exec(text(out) + text(err));
        if (match === null) return;
        waiting.delete(check);
        resolve(match);
      };
      waiting.add(check);
      check();
      void ended.then((end) => reject(new Error(`ended without ${pattern}: ${JSON.stringify(end)}`)), reject);
    });
  return { child, output, ended };
}

/** Runs to the end, with an empty stdin unless `input` is given. */
export function plait(argv: readonly string[], setup: SpawnSetup = {}): Promise<Ended> {
  return startPlait(argv, { input: '', ...setup }).ended;
}
