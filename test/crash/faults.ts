/** One call of a writer fails; then it is run again. */
import assert from 'node:assert/strict';
import { DiskModel, materialise } from './disk-model.ts';
import { resultOf, type Scenario } from './scenarios.ts';
import { listen } from './tap.ts';
import { keepIdentity, type Outcome, type World } from './world.ts';

export const FAULTS = ['ENOSPC', 'EIO', 'EMFILE', 'EACCES'] as const;
export type Fault = (typeof FAULTS)[number];

/** Which calls can fail so, and how SQLite says it. */
const CALLS: Record<Fault, RegExp> = {
  ENOSPC: /^(openSync|writeSync|ftruncateSync|mkdirSync|renameSync|linkSync|symlinkSync|fsync|fsyncSync|sqlite)$/,
  EIO: /./,
  EMFILE: /^openSync/,
  EACCES: /^(openSync|openSync:r|mkdirSync|renameSync|linkSync|symlinkSync|unlinkSync|rmSync)$/,
};
const SQLITE: Partial<Record<Fault, number>> = { ENOSPC: 13, EIO: 10 };
/** 8: a file that cannot be read may hold unsaved work. 0: it was about something that is put right later, like a temporary name; 3: about one path of the user's. */
const EXITS: Record<Fault, readonly number[]> = {
  ENOSPC: [0, 3, 15],
  EIO: [0, 1, 3],
  EMFILE: [0, 1, 3],
  EACCES: [0, 1, 3, 8],
};

export class Faults {
  readonly #world: World;
  readonly #scenario: Scenario;
  readonly #before: ReturnType<DiskModel['asKilled']>;
  expected: unknown;

  private constructor(world: World, scenario: Scenario, before: ReturnType<DiskModel['asKilled']>) {
    this.#world = world;
    this.#scenario = scenario;
    this.#before = before;
  }

  static async of(world: World, scenario: Scenario): Promise<Faults> {
    await scenario.prepare(world);
    const faults = new Faults(world, scenario, new DiskModel(world.root).asKilled());
    await world.ok(...scenario.argv(world));
    faults.expected = await resultOf(world);
    return faults;
  }

  #reset(): void {
    materialise(this.#world.root, this.#before);
    for (const store of this.#world.stores()) keepIdentity(store);
  }

  /** How many calls of the command can fail so. */
  async count(fault: Fault): Promise<number> {
    this.#reset();
    return (await this.#run(fault, Number.POSITIVE_INFINITY)).calls;
  }

  /** The k-th fails, from 0. */
  async fail(fault: Fault, k: number): Promise<void> {
    const world = this.#world;
    this.#reset();
    const { outcome, where } = await this.#run(fault, k);
    const what = `${this.#scenario.name}: ${fault} at call ${k} (${where})`;
    const { exit, document } = outcome;
    // What could not be mended for it stays damaged.
    const isTold = EXITS[fault].includes(exit) || (this.#scenario.mends && exit === 14);
    assert.ok(isTold, `${what}: exit ${exit}, ${JSON.stringify(document)}`);
    assert.notEqual(document.error?.code, 'unexpected', `${what}: ${JSON.stringify(document)}`);
    try {
      if (!this.#scenario.mends) await world.verify();
      const again = await world.run(this.#scenario.argv(world));
      const done = again.exit === 0 || this.#scenario.doneAlready?.includes(again.exit);
      assert.ok(done, `again: exit ${again.exit}, ${JSON.stringify(again.document)}`);
      assert.deepEqual(await resultOf(world), this.expected);
    } catch (error) {
      (error as Error).message = `${what}, exit ${exit}, then ${(error as Error).message}`;
      throw error;
    }
  }

  async #run(fault: Fault, k: number): Promise<{ outcome: Outcome; calls: number; where: string }> {
    let calls = 0;
    let where = '';
    listen({
      root: this.#world.root,
      before: (name, path) => {
        if (!CALLS[fault].test(name) || (name === 'sqlite' && SQLITE[fault] === undefined)) return;
        if (calls++ !== k) return;
        where = `${name} ${path.slice(this.#world.root.length)}`;
        throw name === 'sqlite' ? sqliteError(SQLITE[fault] as number) : systemError(fault, name, path);
      },
    });
    try {
      return { outcome: await this.#world.run(this.#scenario.argv(this.#world)), calls, where };
    } finally {
      listen(undefined);
    }
  }
}

const sqliteError = (errcode: number): Error =>
  Object.assign(new Error(errcode === 13 ? 'database or disk is full' : 'disk I/O error'), {
    code: 'ERR_SQLITE_ERROR',
    errcode,
    errstr: 'injected',
  });

const systemError = (code: Fault, syscall: string, path: string): Error =>
  Object.assign(new Error(`${code}: injected, ${syscall} '${path}'`), { code, syscall, path });
