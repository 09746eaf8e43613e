import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { silentReporter } from '../../src/core/reporter.ts';
import { adoptExpected } from '../../src/sync/checkout.ts';
import type { Engine } from '../../src/sync/engine.ts';
import { type MadeLab, madeLab } from './lab.ts';

/** An engine whose commands are stopped when the first file has been written. */
function cutting(engine: Engine): Engine {
  const stop = new AbortController();
  const phase = () => ({ total() {}, advance: () => stop.abort(new Error('cut off')), end() {} });
  return { ...engine, signal: stop.signal, reporter: { ...silentReporter, phase } };
}

describe('checkout', () => {
  let { lab, engine } = {} as MadeLab;
  beforeEach(async () => {
    ({ lab, engine } = await madeLab());
    for (const name of ['gone', 'kept']) lab.write(name, 'one');
    await lab.snapshot(engine, { name: 'one' });
    fs.rmSync(lab.at('gone'));
    for (const name of ['new-1', 'new-2']) lab.write(name, 'two');
    await lab.snapshot(engine, { name: 'two' });
    await lab.checkout(engine, 'one');
  });
  afterEach(() => lab[Symbol.asyncDispose]());

  const files = () => fs.readdirSync(lab.dir).filter((name) => name !== '.plait');

  it('with --force over one that was cut off takes nothing half done for edits', async () => {
    for (const target of ['one', 'two']) {
      await assert.rejects(lab.checkout(cutting(engine), 'two'), /cut off/);
      assert.ok(!files().includes('gone'));
      await lab.checkout(engine, target, true);
      assert.deepEqual(files(), target === 'one' ? ['gone', 'kept'] : ['kept', 'new-1', 'new-2']);
      assert.deepEqual(await lab.status(engine), []);
      await lab.checkout(engine, 'one');
    }
  });

  it('does not go back to a snapshot that a crash left to be adopted', async () => {
    const { volume } = engine as Required<Engine>;
    await lab.checkout(engine, 'main');
    const before = { ...volume.state };
    lab.write('more', 'x');
    const { result } = await lab.snapshot(engine);
    // As if the process had ended between the commit and the update of the base.
    volume.update({ base: before.base, baseRoot: before.baseRoot, expected: result.snapshot });
    await lab.checkout(engine, 'one', true);
    assert.deepEqual(await lab.status(engine), []);
    assert.deepEqual(files(), ['gone', 'kept']);
  });

  it('adopts a snapshot that its branch has moved on from', async () => {
    const { volume } = engine as Required<Engine>;
    await lab.checkout(engine, 'main');
    const before = { ...volume.state };
    lab.write('more', 'x');
    const mine = (await lab.snapshot(engine)).result.snapshot;
    lab.write('more', 'y');
    await lab.snapshot(engine);
    volume.update({ base: before.base, baseRoot: before.baseRoot, expected: mine });
    adoptExpected(engine, volume);
    assert.deepEqual([volume.state.base, volume.state.branch, volume.state.expected], [mine, before.branch, null]);
  });
});
