/** A store and a working directory in a temporary folder, with the verbs run in this process. */
import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as manifest from '../../src/blob/manifest/index.ts';
import { silentReporter } from '../../src/core/reporter.ts';
import { checkout } from '../../src/sync/checkout.ts';
import type { Engine, World } from '../../src/sync/engine.ts';
import { newBranchId, newVolsetId } from '../../src/sync/fresh-ids.ts';
import { type SnapshotOptions, snapshot } from '../../src/sync/snapshot.ts';
import { status } from '../../src/sync/status.ts';
import { createStore, openStore } from '../../src/sync/store.ts';
import { createVolume, openVolume } from '../../src/volume/index.ts';

export const world: World = { now: Date.now, random: randomBytes, creator: 'tester@here' };
const settings = { world, label: 'here', lockWaitMs: 2000 };

export class Lab implements AsyncDisposable {
  readonly top = fs.mkdtempSync(join(tmpdir(), 'plait-sync-'));
  readonly dir = join(this.top, 'work');
  readonly store = join(this.dir, '.plait');
  readonly #opened: Engine[] = [];
  #id = '';

  async make(): Promise<Engine> {
    fs.mkdirSync(this.dir);
    createStore(this.store, settings);
    const { meta, blob } = await openStore(this.store, settings);
    const [volset, branch] = [newVolsetId(world), newBranchId(world)];
    meta.commit(volset, [
      { edit: 'create-volset', name: 'data', creator: world.creator },
      { edit: 'create-branch', branch, name: 'main', creator: world.creator },
    ]);
    await blob[Symbol.asyncDispose]();
    meta[Symbol.dispose]();
    this.#id = createVolume({
      store: this.store,
      dir: this.dir,
      id: randomBytes(16).toString('hex'),
      volset,
      branch,
    }).state.id;
    return this.open();
  }

  /** As another process would. */
  async open(): Promise<Engine> {
    const engine: Engine = {
      ...(await openStore(this.store, settings)),
      manifest: manifest.manifest,
      volume: openVolume(this.store, this.#id),
      world,
      reporter: silentReporter,
      signal: new AbortController().signal,
      lockWaitMs: 2000,
      openPeer: () => Promise.reject(new Error('no peer in this test')),
    };
    this.#opened.push(engine);
    return engine;
  }

  at(path: string): string {
    return join(this.dir, path);
  }

  write(path: string, text: string): void {
    fs.mkdirSync(join(this.at(path), '..'), { recursive: true });
    fs.writeFileSync(this.at(path), text);
  }

  read(path: string): string {
    return fs.readFileSync(this.at(path), 'utf8');
  }

  snapshot(engine: Engine, more: Partial<SnapshotOptions> = {}) {
    return snapshot(engine, { skipUnchanged: false, maxDelete: 0.5, ...more });
  }

  checkout(engine: Engine, ref: string, force = false) {
    return checkout(engine, ref, force);
  }

  /** `A path`, `M path` …, or nothing where all is saved. */
  async status(engine: Engine): Promise<string[]> {
    const { result } = await status(engine, { remote: false, exitCode: false });
    const rows = (letter: string, paths: { path: string }[]) => paths.map(({ path }) => `${letter} ${path}`);
    const { added, modified, deleted, typeChanged } = result;
    return [...rows('A', added), ...rows('M', modified), ...rows('D', deleted), ...rows('T', typeChanged)];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { blob, meta } of this.#opened) {
      await blob[Symbol.asyncDispose]();
      meta[Symbol.dispose]();
    }
    fs.rmSync(this.top, { recursive: true, force: true });
  }
}

/** In a describe: `let { lab, engine } = {} as MadeLab`, filled before each test. */
export interface MadeLab {
  lab: Lab;
  engine: Engine;
}

export async function madeLab(): Promise<MadeLab> {
  const lab = new Lab();
  return { lab, engine: await lab.make() };
}
