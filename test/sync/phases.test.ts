/** What a process that stays would otherwise heap up, and show as if it still went on. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Reporter } from '../../src/core/reporter.ts';
import { Rig } from './rig.ts';
import { Watching } from './watch-lab.ts';

describe('phases of a run', () => {
  const open: string[] = [];
  const begun: string[] = [];
  const reporter: Reporter = {
    phase(title) {
      open.push(title);
      begun.push(title);
      return { total() {}, advance() {}, end: () => void open.splice(open.indexOf(title), 1) };
    },
    note() {},
    warn() {},
  };

  it('a scan is over when it has ended', async () => {
    const rig = new Rig();
    try {
      const client = (await rig.client('writer')).start();
      const dir = client.directory();
      await using watching = new Watching({ ...client.engine, reporter });
      for (const name of ['a', 'b']) {
        writeFileSync(join(dir, name), name);
        while ((await watching.next('snapshot')).new === 0);
      }
      await watching.stop();
      assert.ok(begun.includes('scanning'));
      assert.deepEqual(open, []);
    } finally {
      await rig[Symbol.asyncDispose]();
    }
  });
});
