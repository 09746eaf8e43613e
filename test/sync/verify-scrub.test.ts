import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { restore } from '../../src/sync/restore.ts';
import { foundAt } from '../../src/sync/verify/note-damage.ts';
import { verify } from '../../src/sync/verify.ts';
import { compareRestored } from '../../src/volume/compare-restored.ts';
import { noise } from '../e2e/helpers/trees.ts';
import { type Client, Rig, VOLSET } from './rig.ts';

describe('sync: verify by and by', () => {
  let rig: Rig;
  let a: Client;
  beforeEach(async () => {
    rig = new Rig();
    a = (await rig.client('a')).start();
    for (let n = 0; n < 4; n++) await a.save({ [`f${n}`]: noise(50_000, n + 1).toString('latin1'), same: 'same' });
  });
  afterEach(() => rig[Symbol.asyncDispose]());

  it('a budget reads each pack once before any is read again, and the stamp tells the coverage', async () => {
    const total = a.engine.blob.packs().length;
    const read = new Set<string>();
    for (let run = 1; run <= total; run++) {
      const { result } = await verify(a.engine, { readData: false, budget: 1 });
      assert.deepEqual(result.damage, []);
      for (const { pack, verified } of a.engine.blob.packs()) if (verified !== null) read.add(pack);
      assert.deepEqual([read.size, result.coverage.packs], [run, run], 'one more each time');
    }
    const stamp = a.meta.stamps().find(({ what }) => what === 'scrub');
    assert.equal(JSON.parse(stamp?.detail ?? '{}').share, 1);
  });

  it('a run that is ended keeps what it did', async () => {
    const ending = new AbortController();
    const reporter = {
      ...a.engine.reporter,
      phase: (title: string) => ({
        total() {},
        advance: () => title === 'reading packs' && ending.abort(),
        end() {},
      }),
    };
    const engine = { ...a.engine, reporter, signal: ending.signal };
    await assert.rejects(verify(engine, { readData: true }), { name: 'AbortError' });
    assert.equal(a.engine.blob.packs().filter(({ verified }) => verified !== null).length, 1);
    assert.ok(a.meta.stamps().some(({ what }) => what === 'scrub'));
  });

  it('a drill restores the same files for the same seed, and names one that cannot be had', async () => {
    const drill = { files: 12, seed: 'one' };
    const first = (await verify(a.engine, { readData: false, drill })).result.drill;
    assert.deepEqual([first?.failed, first?.restored.length], [0, first?.files]);
    assert.ok((first?.files ?? 0) >= 4);
    assert.deepEqual((await verify(a.engine, { readData: false, drill })).result.drill, first);
    const { dir } = a.engine;
    await a.close();
    for (const name of readdirSync(join(dir, 'packs', VOLSET)).filter((each) => each.endsWith('.pack'))) {
      const path = join(dir, 'packs', VOLSET, name);
      const bytes = readFileSync(path);
      if (bytes.length < 40_000) continue;
      bytes[30_000] ^= 1;
      writeFileSync(path, bytes);
    }
    const { result, exits } = await verify((await rig.client('a')).engine, { readData: false, drill });
    assert.deepEqual(exits, [14]);
    assert.notEqual(foundAt((await rig.client('a')).meta.stamps()), undefined, 'doctor is told');
    assert.ok((result.drill?.failed ?? 0) > 0);
    assert.ok(
      result.damage.some(({ what }) => what.startsWith('a restore drill failed')),
      JSON.stringify(result),
    );
  });

  it('a restore is read back, and a file that is not as it was written is named', async () => {
    const to = join(rig.dir, 'back');
    const input = { ref: 'main', paths: [], to, overwrite: true, preserve: [], verify: true };
    const { result, exits } = await restore(a.engine, input);
    assert.deepEqual([exits, result.problems], [[], []]);
    assert.ok((result.verified?.entries ?? 0) >= 2);
    const root = a.meta.findSnapshot(VOLSET, result.snapshot)?.body.root;
    assert.ok(root);
    const reader = a.engine.blob.reader(VOLSET);
    const path = join(to, 'same');
    writeFileSync(path, 'sane');
    const { differences } = await compareRestored({
      dir: to,
      entries: () => a.engine.manifest.entries(reader, root),
      preserve: [],
      extents: (content) => reader.extents(content),
    });
    assert.deepEqual(
      differences.map((one) => one.path),
      ['same'],
    );
  });
});
