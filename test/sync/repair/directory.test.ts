import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { inspectStore } from '../../../src/sync/repair/outcome.ts';
import { repairStore } from '../../../src/sync/repair/repair.ts';
import { type MadeLab, madeLab } from '../lab.ts';

describe('sync: working directories help a repair', () => {
  let { lab, engine } = {} as MadeLab;
  beforeEach(async () => {
    ({ lab, engine } = await madeLab());
  });
  afterEach(() => lab[Symbol.asyncDispose]());

  const noise = (): string => randomBytes(9000).toString('hex');

  it('what their files still hold is stored again, trees included; only what changed since is lost', async () => {
    const volset = engine.volume?.state.volset ?? assert.fail();
    lab.write('a/kept', noise());
    lab.write('changed', noise());
    const first = (await lab.snapshot(engine)).result;
    lab.write('changed', noise());
    const second = (await lab.snapshot(engine)).result;
    await engine.blob[Symbol.asyncDispose]();
    engine.meta[Symbol.dispose]();
    const packs = join(lab.store, 'packs', volset);
    for (const name of readdirSync(packs)) if (name.endsWith('.pack')) rmSync(join(packs, name));
    engine = await lab.open();
    const { result, exits } = await inspectStore(engine, { readData: true }, await repairStore(engine));
    assert.deepEqual(exits, [14]);
    assert.deepEqual(
      result.losses.flatMap(({ snapshots }) => snapshots),
      [first.snapshot],
    );
    const reader = engine.blob.reader(volset);
    const view = engine.meta.findSnapshot(volset, second.snapshot as never) ?? assert.fail();
    const files = [...engine.manifest.entries(reader, view.body.root)].filter(({ content }) => content);
    assert.equal(files.length, 2);
    for (const { content } of files) assert.ok(content && [...reader.readFile(content)].length > 0);
    assert.deepEqual(await lab.status(engine), []);
  });
});
