/** Syncs of two stores over one hub, of which the client or the hub is killed somewhere on the way. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { setTimeout as after } from 'node:timers/promises';
import { Random } from '../../support/seed.ts';
import { assertSame, type Hub, Lab, parse } from './lab.ts';
import { startPlait } from './plait.ts';
import { assertEqualStores, assertQuiet, onStore } from './stores.ts';
import { noise } from './trees.ts';

export interface KillPlan {
  kills: number;
  seed: number;
  /** Every store is read and verified after so many kills, and at the end. */
  verifyEvery: number;
}

const DIRS = ['a', 'b'];
const STORES = ['hub', ...DIRS];

/** Answers how many of the killed were still at work. */
export async function killSyncs({ kills, seed, verifyEvery }: KillPlan): Promise<number> {
  await using lab = new Lab();
  const scene = await makeScene(lab, seed);
  let struck = 0;
  try {
    for (let n = 0; n < kills; n++) {
      const dir = DIRS[n % 2];
      // An edit of each kind in one of them; the other has to fetch it.
      if (n % 2 === 0) await edit(scene, scene.random.pick(DIRS), n);
      if (await strike(scene, dir)) struck++;
      const done = await lab.in(dir, ['sync']);
      assert.deepEqual([done.conflicts, done.diverged, done.problems], [[], [], []], `kill ${n}`);
      if ((n + 1) % verifyEvery === 0) await check(scene);
    }
    await check(scene);
  } catch (error) {
    throw new Error(`PLAIT_SEED=${seed}`, { cause: error });
  }
  return struck;
}

interface Scene {
  lab: Lab;
  hub: Hub;
  random: Random;
  /** Of an undisturbed sync with something to do, ms. */
  usualMs: number;
}

async function makeScene(lab: Lab, seed: number): Promise<Scene> {
  const hub = await lab.hub();
  await lab.volume('a', hub);
  writeFileSync(lab.path('a', 'file'), noise(2_000_000, seed));
  await lab.in('a', ['snapshot']);
  const started = performance.now();
  await lab.in('a', ['sync']);
  const usualMs = performance.now() - started;
  await lab.run(['clone', `${hub.url}/data`, 'b']);
  return { lab, hub, random: new Random(seed), usualMs };
}

async function edit({ lab, random }: Scene, dir: string, n: number): Promise<void> {
  // What the other one sent before is the base of this edit.
  await lab.in(dir, ['sync']);
  await lab.in(dir, ['update', '--description', `${n}`, '--attr', `k${n % 7}=${n}`]);
  await lab.in(
    dir,
    n === 0 ? ['branch', 'create', 'moving-0'] : ['branch', 'rename', `moving-${n - 2}`, `moving-${n}`],
  );
  writeFileSync(lab.path(dir, `file-${n % 5}`), noise(random.below(600_000), n + 1));
  await lab.in(dir, ['snapshot']);
}

/** Kills the client, or the hub, at a random moment of a sync. True when it was at work then. */
async function strike(scene: Scene, dir: string): Promise<boolean> {
  const { lab, hub, random, usualMs } = scene;
  const { child, ended } = startPlait(['--json', '-C', lab.path(dir), 'sync'], { cwd: lab.dir, input: '' });
  const end = ended.then((result) => ({ ...result, done: true as const }));
  const moment = after(usualMs * (0.2 + random.below(1000) / 1000), { done: false as const });
  const isAtWork = !(await Promise.race([end, moment])).done;
  if (random.chance(0.5)) {
    child.kill('SIGKILL');
    await end;
    return isAtWork;
  }
  await hub.stop('SIGKILL');
  const { exit, ...result } = await end;
  assert.ok(exit === 0 || exit === 13, JSON.stringify(result));
  if (exit === 13) assert.deepEqual(Object.keys(parse({ exit, ...result })), ['error']);
  const { host } = new URL(hub.url);
  scene.hub = { ...(await lab.hub('hub', '--listen', host)), url: hub.url };
  return isAtWork;
}

/** After a round of undisturbed syncs all show the same, every byte is right, and there is nothing to do. */
async function check({ lab }: Scene): Promise<void> {
  for (const dir of [...DIRS, 'a']) await lab.in(dir, ['sync']);
  await assertEqualStores(lab, STORES);
  assertSame(lab.path('a'), lab.path('b'));
  await assertQuiet(lab, DIRS);
  for (const store of STORES) {
    const { ok, damage } = await onStore(lab, store, ['verify', '--read-data']);
    assert.deepEqual([store, ok, damage], [store, true, []]);
  }
}
