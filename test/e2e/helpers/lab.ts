/** A temporary folder with hubs and working directories in it, driven through the spawned program. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Ended, LIMIT, plait, type Running, type SpawnSetup, startPlait } from './plait.ts';

// biome-ignore lint/suspicious/noExplicitAny: documents are checked field by field where it matters
export type Document = Record<string, any>;

export interface Hub {
  url: string;
  store: string;
  running: Running;
  stop(signal?: NodeJS.Signals): Promise<Ended>;
}

export class Lab implements AsyncDisposable {
  readonly dir = mkdtempSync(join(tmpdir(), 'plait-e2e-'));
  /** Of one command, ms; 0 = none. */
  readonly timeout: number;
  readonly #hubs: Hub[] = [];

  constructor({ timeout = LIMIT.timeout }: { timeout?: number } = {}) {
    this.timeout = timeout;
  }

  path(...names: string[]): string {
    return join(this.dir, ...names);
  }

  /** Runs with --json, demands the exit code, hands back the document. */
  async run(argv: string[], exit: number | number[] = 0, setup: SpawnSetup = {}): Promise<Document> {
    const end = await plait(['--json', ...argv], { cwd: this.dir, timeout: this.timeout, ...setup });
    const allowed = Array.isArray(exit) ? exit : [exit];
    assert.ok(allowed.includes(end.exit ?? -1), `plait ${argv.join(' ')}: ${JSON.stringify(end)}`);
    return parse(end);
  }

  /** Runs without --json and hands back what was printed. */
  async text(argv: string[], exit = 0, setup: SpawnSetup = {}): Promise<string> {
    const end = await plait(argv, { cwd: this.dir, ...setup });
    assert.equal(end.exit, exit, `plait ${argv.join(' ')}: ${JSON.stringify(end)}`);
    return end.stdout;
  }

  /** In a working directory. */
  in(dir: string, argv: string[], exit: number | number[] = 0, setup: SpawnSetup = {}): Promise<Document> {
    return this.run(['-C', this.path(dir), ...argv], exit, setup);
  }

  hub(name = 'hub', ...flags: string[]): Promise<Hub> {
    return this.hubWith({}, name, ...flags);
  }

  /** With these additions to its environment. */
  async hubWith(env: Record<string, string>, name = 'hub', ...flags: string[]): Promise<Hub> {
    const store = this.path(name);
    const listen = flags.includes('--listen') ? [] : ['--listen', '127.0.0.1:0'];
    const running = startPlait(['serve', store, ...listen, '--json', '--quiet', ...flags], {
      cwd: this.dir,
      env,
      input: '',
      timeout: 0,
    });
    const [line] = await running.output(/^\{.*"url".*\}$/m);
    const stop = (signal: NodeJS.Signals = 'SIGTERM') => {
      running.child.kill(signal);
      return running.ended;
    };
    const hub = { url: JSON.parse(line).url as string, store, running, stop };
    this.#hubs.push(hub);
    return hub;
  }

  /** A volume with a remote `origin`. */
  async volume(name: string, hub?: Hub): Promise<string> {
    await this.run(['init', this.path(name), '--volset', 'data']);
    if (hub) await this.in(name, ['remote', 'add', 'origin', `${hub.url}/data`]);
    return this.path(name);
  }

  /** Every object, ref and byte of the store is as it should be. */
  async verify(store: string): Promise<void> {
    const found = await this.run(['--store', store, 'verify', '--read-data']);
    assert.deepEqual([found.ok, found.damage], [true, []]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#hubs.map((hub) => hub.stop('SIGKILL')));
    rmSync(this.dir, { recursive: true, force: true });
  }
}

export function parse({ stdout, stderr }: Ended): Document {
  try {
    return JSON.parse(stdout);
  } catch {
    throw new Error(`stdout is not one JSON document: ${JSON.stringify({ stdout, stderr })}`);
  }
}

/** What rsync finds different: content, modes, times, links, hard links, and what is only in one of the two. */
export function rsyncDifference(a: string, b: string): string {
  const args = ['-aHnci', '--delete', '--no-owner', '--no-group', '--exclude=/.plait', `${a}/`, `${b}/`];
  return execFileSync('rsync', args, { encoding: 'latin1', maxBuffer: 1 << 28 });
}

export function assertSame(a: string, b: string): void {
  assert.ok(existsSync(a) && existsSync(b));
  assert.equal(rsyncDifference(a, b), '');
}

/** Bytes on disk. */
export const diskUsage = (path: string): number =>
  Number(execFileSync('du', ['-s', '-B1', path], { encoding: 'utf8' }).split('\t')[0]);
