import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import type { NodeId } from '../../src/core/ids.ts';
import { Lab } from './harness.ts';

describe('hard-link groups in a snapshot', () => {
  let lab: Lab;
  beforeEach(() => {
    lab = new Lab();
  });
  afterEach(() => lab[Symbol.dispose]());

  function link(from: string, to: string): void {
    fs.mkdirSync(lab.at(`${to}/..`), { recursive: true });
    fs.linkSync(lab.at(from), lab.at(to));
  }

  /** `path>group` of all members, after checking that each group's first member is there and carries it. */
  function groups(root: NodeId): string[] {
    const text = (path: string) => path.replaceAll('\0', '/');
    const entries = lab.paths(root).map((path) => lab.entry(root, path)!);
    const members = entries.filter((entry) => entry.linkGroup !== undefined);
    for (const { linkGroup } of members) {
      assert.equal(lab.entry(root, text(linkGroup!))?.linkGroup, linkGroup, `${text(linkGroup!)} leads no group`);
    }
    return members.map(({ path, linkGroup }) => `${text(path)}>${text(linkGroup!)}`);
  }

  it('follows a directory with the first member that is renamed, though no file shows it', async () => {
    lab.write('d1/a', 'text');
    link('d1/a', 'd2/b');
    assert.deepEqual(groups(await lab.snapshot()), ['d1/a>d1/a', 'd2/b>d1/a']);
    fs.renameSync(lab.at('d1'), lab.at('d3'));
    assert.deepEqual(groups(await lab.snapshot()), ['d2/b>d2/b', 'd3/a>d2/b']);
    assert.deepEqual(await lab.status(), []);
  });

  it('does not join a file to one that is not read again', async () => {
    lab.write('.plaitignore', 'twin');
    lab.write('twin', 'text');
    link('twin', 'unchanged');
    await lab.snapshot();
    lab.write('.plaitignore', '');
    assert.deepEqual(groups(await lab.snapshot()), ['twin>twin']);
  });

  it('stands without a first member that vanished before it was read', async () => {
    lab.write('a', 'text');
    for (const name of ['b', 'c']) link('a', name);
    lab.onRead = ({ path }) => path === 'a' && fs.rmSync(lab.at('a'));
    assert.deepEqual(groups(await lab.snapshot()), ['b>b', 'c>b']);
  });

  it('does not put one content under the name of another', async () => {
    lab.write('a', 'text');
    link('a', 'b');
    lab.onRead = ({ path }) => path === 'b' && fs.writeFileSync(lab.at('b'), 'later text');
    assert.deepEqual(groups(await lab.snapshot()), ['a>a', 'b>b']);
  });

  it('keeps members that cannot be looked at when the first goes', async () => {
    lab.write('a', 'text');
    link('a', 'dir/b');
    const root = await lab.snapshot();
    lab.unreadable.add('dir/b');
    fs.rmSync(lab.at('a'));
    const next = await lab.snapshot();
    assert.deepEqual(groups(next), ['dir/b>dir/b']);
    assert.deepEqual(lab.entry(next, 'dir/b')!.content, lab.entry(root, 'dir/b')!.content);
  });

  it('writes nothing while nothing moves', async () => {
    lab.write('a', 'text');
    link('a', 'b');
    await lab.snapshot();
    const again = lab.changes();
    assert.deepEqual(await lab.list(again), []);
    assert.equal(again.cacheMoved, false);
    assert.deepEqual([again.outcome.unchanged, again.outcome.files, again.outcome.bytes], [2, 2, 8]);
  });
});
