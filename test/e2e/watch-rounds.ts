/** Watchers as processes of their own: killed while files change, and beside an application that writes in brackets. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { Random } from '../support/seed.ts';
import { assertSame, type Document, type Lab } from './helpers/lab.ts';
import { BIN, cleanEnv, type Running, startPlait } from './helpers/plait.ts';

const QUICK = ['--quiet-period', '0.05s', '--max-delay', '0.4s'];

export class Watcher {
  readonly running: Running;
  readonly #lines: string[] = [];
  #part = '';
  #heard: () => void = () => {};
  #over = false;

  constructor(dir: string, flags: string[] = QUICK, env: Record<string, string> = {}) {
    this.running = startPlait(['-C', dir, 'watch', '--json', ...flags], { input: '', timeout: 0, env });
    this.running.child.stdout!.on('data', (chunk: Buffer) => {
      const lines = (this.#part + chunk.toString()).split('\n');
      this.#part = lines.pop()!;
      this.#lines.push(...lines);
      this.#heard();
    });
    const over = () => {
      this.#over = true;
      this.#heard();
    };
    this.running.ended.then(over, over);
  }

  /** The next event of that kind. */
  async next(kind: string, limitMs = 60_000): Promise<Document> {
    const end = performance.now() + limitMs;
    for (;;) {
      while (this.#lines.length > 0) {
        const event = JSON.parse(this.#lines.shift()!);
        if (event.event === kind) return event;
      }
      assert.ok(!this.#over, `it ended before ${kind}`);
      assert.ok(performance.now() < end, `no ${kind} in ${limitMs} ms`);
      await Promise.race([new Promise<void>((resolve) => (this.#heard = resolve)), sleep(1000)]);
    }
  }

  async kill(): Promise<void> {
    this.running.child.kill('SIGKILL');
    await this.running.ended;
  }

  /** Ends it as a service manager does. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    this.running.child.kill(signal);
    const end = await this.running.ended;
    assert.deepEqual([end.exit, end.signal], [0, null], JSON.stringify(end));
  }
}

/** One of the things that people and programs do to files. */
export function edit(dir: string, random: Random, count: number): void {
  const top = join(dir, `d${random.below(6)}`);
  const path = join(top, `e${random.below(3)}`, `f${random.below(5)}`);
  const kind = random.below(10);
  if (kind < 6) {
    fs.mkdirSync(join(path, '..'), { recursive: true });
    fs.writeFileSync(path, `${count}`.repeat(1 + random.below(2000)));
  } else if (kind === 6) fs.rmSync(path, { force: true });
  else if (kind === 7) fs.rmSync(join(path, '..'), { recursive: true, force: true });
  else if (fs.existsSync(top)) {
    const to = join(dir, `d${random.below(6)}`);
    if (!fs.existsSync(to)) fs.renameSync(top, to);
  }
}

/** Starts and kills a watcher `kills` times while files change; then nothing may be missing, and nothing be there twice. */
export async function killRounds(lab: Lab, dir: string, kills: number, seed: number): Promise<void> {
  const random = new Random(seed);
  let count = 0;
  fs.writeFileSync(join(dir, 'ballast'), 'x');
  for (let kill = 0; kill < kills; kill++) {
    const watcher = new Watcher(dir);
    await watcher.next('watching');
    // At any moment: before, within and after a snapshot.
    const end = performance.now() + random.below(600);
    while (performance.now() < end) {
      edit(dir, random, count++);
      await sleep(random.below(20));
    }
    await watcher.kill();
    for (let i = random.below(3); i > 0; i--) edit(dir, random, count++);
  }
  const last = new Watcher(dir);
  fs.writeFileSync(join(dir, 'last'), `${count}`);
  await last.next('snapshot');
  const store = join(dir, '.plait');
  for (const limit = performance.now() + 60_000; ; ) {
    const { clean } = await lab.run(['-C', dir, 'status']);
    if (clean) break;
    assert.ok(performance.now() < limit, 'a change was missed');
  }
  await last.stop();
  await lab.verify(store);
  const { snapshots } = await lab.run(['-C', dir, 'log', '-n', '10000']);
  const copy = lab.path('copy');
  fs.rmSync(copy, { recursive: true, force: true });
  await lab.run(['-C', dir, 'restore', 'main', '--to', copy]);
  assertSame(dir, copy);
  const ids = snapshots.map(({ snapshot }: Document) => snapshot);
  for (let i = 1; i < ids.length; i++) {
    const { added, modified, deleted, typeChanged } = await lab.run(['-C', dir, 'diff', ids[i], ids[i - 1]]);
    const changes = [added, modified, deleted, typeChanged].flat();
    assert.ok(changes.length > 0, `snapshot ${ids[i - 1]} has nothing new`);
  }
}

/** Snapshots of a database that is written all the time, each looked at; answers what SQLite says of each. */
export async function databaseRounds(
  lab: Lab,
  dir: string,
  bracket: 'hold' | 'lock-file' | 'none',
  snapshots: number,
): Promise<string[]> {
  await lab.run(['-C', dir, 'config', 'set', 'watch.lock-file', 'app.lock']);
  const writer = spawn(process.execPath, [join(import.meta.dirname, 'watch-writer.ts'), dir, bracket, BIN], {
    env: cleanEnv(),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const died = new Promise<never>((_, reject) =>
    writer.on('exit', (exit, signal) => reject(new Error(`the writer ended: ${exit} ${signal}`))),
  );
  died.catch(() => {});
  const watcher = new Watcher(dir);
  const said: string[] = [];
  try {
    while (said.length < snapshots) {
      const { snapshot } = await Promise.race([watcher.next('snapshot', 120_000), died]);
      const copy = lab.path('copy');
      fs.rmSync(copy, { recursive: true, force: true });
      await lab.run(['-C', dir, 'restore', snapshot, '--to', copy], [0, 3]);
      if (fs.existsSync(join(copy, 'app.db'))) said.push(checkDatabase(join(copy, 'app.db')));
    }
    await watcher.stop();
  } finally {
    writer.removeAllListeners('exit');
    writer.kill('SIGKILL');
    watcher.running.child.kill('SIGKILL');
  }
  return said;
}

function checkDatabase(path: string): string {
  try {
    using db = new DatabaseSync(path);
    return String(db.prepare('PRAGMA integrity_check').get()?.integrity_check);
  } catch (error) {
    return String(error);
  }
}
