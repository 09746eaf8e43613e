/** `verify --repair` with the real program: whatever is damaged, what is not in the damaged bytes is there afterwards. */
import assert from 'node:assert/strict';
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { moments, runAndKill } from './helpers/kill.ts';
import { assertSame, type Document, type Hub, Lab } from './helpers/lab.ts';
import { noise } from './helpers/trees.ts';

describe('e2e: verify --repair', function () {
  this.timeout(120_000);
  let lab: Lab;
  let hub: Hub;
  let work: string;
  let store: string;
  let made: Document;
  before(async () => {
    lab = new Lab();
    hub = await lab.hub();
    work = await lab.volume('work', hub);
    store = join(work, '.plait');
    writeFileSync(join(work, 'data.bin'), noise(400_000));
    await lab.in('work', ['snapshot']);
    writeFileSync(join(work, 'note'), 'note');
    made = await lab.in('work', ['snapshot']);
    await lab.in('work', ['push']);
  });
  after(() => lab[Symbol.asyncDispose]());

  const remove = (): void => {
    for (const suffix of ['', '-wal', '-shm']) rmSync(join(store, `meta.db${suffix}`), { force: true });
  };
  const packs = (): string[] => {
    const folder = join(store, 'packs', made.volsetId);
    return readdirSync(folder).map((name) => join(folder, name));
  };
  const damages: Record<string, () => void> = {
    'meta.db gone': remove,
    'meta.db zeroed': () => writeFileSync(join(store, 'meta.db'), Buffer.alloc(8192)),
    'index.db zeroed': () => writeFileSync(join(store, 'index.db'), Buffer.alloc(8192)),
    'all packs and the log gone': () => {
      for (const path of packs()) rmSync(path);
    },
    'all packs and the log cut': () => {
      for (const path of packs()) truncateSync(path, 60);
    },
    'the file format gone': () => rmSync(join(store, 'format')),
  };

  async function assertWhole(): Promise<void> {
    const [branch] = (await lab.in('work', ['branch', 'list'])).branches;
    assert.equal(branch.tip, made.snapshot);
    rmSync(lab.path('back'), { recursive: true, force: true });
    await lab.in('work', ['restore', 'main', '--to', lab.path('back')]);
    assert.deepEqual(readFileSync(join(lab.path('back'), 'data.bin')), noise(400_000));
    writeFileSync(join(work, 'note'), `after ${made.snapshot}`);
    made = await lab.in('work', ['snapshot', '--push', 'origin']);
    rmSync(lab.path('clone'), { recursive: true, force: true });
    await lab.run(['clone', hub.url, lab.path('clone')]);
    assertSame(work, lab.path('clone'));
  }

  for (const [what, damage] of Object.entries(damages)) {
    it(`mends a store with ${what}`, async () => {
      damage();
      const done = await lab.in('work', ['verify', '--repair']);
      assert.deepEqual([done.ok, done.lost, done.losses], [true, 0, []]);
      assert.ok(done.repaired > 0 && done.repairs.length > 0, JSON.stringify(done));
      const again = await lab.in('work', ['verify', '--repair']);
      assert.deepEqual([again.ok, again.repaired], [true, 0], JSON.stringify(again.repairs));
      await assertWhole();
    });
  }

  it('killed at any moment, the next one ends the work', async () => {
    cpSync(store, lab.path('kept'), { recursive: true });
    for (const [n, moment] of moments(6, 4).entries()) {
      rmSync(store, { recursive: true });
      cpSync(lab.path('kept'), store, { recursive: true });
      for (const path of packs()) if (n % 2 === 0) rmSync(path);
      if (n % 3 !== 0) remove();
      await runAndKill(['-C', work, 'verify', '--repair'], {}, moment);
      if (n % 2 === 0 && n % 3 !== 0) continue;
      const done = await lab.in('work', ['verify', '--repair']);
      assert.deepEqual([done.ok, done.lost], [true, 0]);
      assert.ok(existsSync(join(store, 'meta.db')));
      await lab.in('work', ['restore', 'main', '--to', lab.path(`back${n}`)]);
      assert.deepEqual(readFileSync(join(lab.path(`back${n}`), 'data.bin')), noise(400_000));
    }
  });

  it('names what is lost for good, ends with 14, and restores the rest', async () => {
    await hub.stop();
    writeFileSync(join(work, 'data.bin'), 'other now');
    const [largest] = packs().sort((a, b) => readFileSync(b).length - readFileSync(a).length);
    rmSync(largest);
    const done = await lab.in('work', ['verify', '--repair'], 14);
    assert.ok(done.lost > 0 && done.losses[0].snapshots.includes(made.snapshot));
    assert.deepEqual(done.losses[0].paths[0], { path: 'data.bin' });
    await lab.in('work', ['restore', 'main', 'note', '--to', lab.path('rest')]);
    assert.deepEqual(readFileSync(lab.path('rest', 'note')), readFileSync(join(work, 'note')));
  });
});
