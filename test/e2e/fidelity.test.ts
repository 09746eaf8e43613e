import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { assertSame, diskUsage, type Hub, Lab } from './helpers/lab.ts';
import { changeKinds, makeKinds, makeOddNames, makeSparse, noise } from './helpers/trees.ts';

describe('e2e: what comes out is what went in', function () {
  this.timeout(60_000);
  let lab: Lab;
  let hub: Hub;
  beforeEach(async () => {
    lab = new Lab();
    hub = await lab.hub();
  });
  afterEach(() => lab[Symbol.asyncDispose]());

  const save = async (dir: string) => {
    const made = await lab.in(dir, ['snapshot', '--push', 'origin']);
    assert.deepEqual([made.created, made.problems, made.push.problems], [true, [], []]);
    return made;
  };
  const assertClean = async (dir: string) => {
    const again = await lab.in(dir, ['snapshot', '--skip-unchanged']);
    assert.deepEqual([again.created, again.problems], [false, []]);
    assert.equal((await lab.in(dir, ['status'])).clean, true);
  };

  it('modes, times, links, hard links, empty things; then their successors', async () => {
    const work = await lab.volume('work', hub);
    makeKinds(work);
    await save('work');
    await lab.run(['clone', `${hub.url}/data`, 'copy']);
    assertSame(work, lab.path('copy'));
    await assertClean('copy');
    changeKinds(work);
    const second = await save('work');
    await lab.in('copy', ['pull']);
    assertSame(work, lab.path('copy'));
    await assertClean('copy');
    await assertClean('work');
    // And back again, from the copy's own store.
    await lab.in('copy', ['checkout', 'main~1']);
    await lab.in('copy', ['checkout', 'main']);
    assertSame(work, lab.path('copy'));
    assert.equal((await lab.in('copy', ['status'])).base, second.snapshot);
    await lab.verify(hub.store);
    await lab.verify(join(lab.path('copy'), '.plait'));
  });

  it('names that break scripts', async () => {
    const work = await lab.volume('work', hub);
    makeOddNames(work);
    await save('work');
    await lab.run(['clone', `${hub.url}/data`, 'copy']);
    assertSame(work, lab.path('copy'));
    await assertClean('copy');
    const listed = await lab.in('copy', ['ls', 'main']);
    const invalid = listed.entries.find((row: { pathBase64?: string }) => row.pathBase64 === '/w==');
    assert.equal(invalid?.kind, 'file');
    assert.ok(listed.entries.some((row: { path: string }) => row.path === '__proto__'));
  });

  it('a sparse file of 300 MB occupies little on all sides', async () => {
    const work = await lab.volume('work', hub);
    makeSparse(join(work, 'disk.img'), 300_000_000, 60_000_000);
    writeFileSync(join(work, 'zeros'), Buffer.alloc(3_000_000));
    await save('work');
    await lab.run(['clone', `${hub.url}/data`, 'copy']);
    assertSame(work, lab.path('copy'));
    await assertClean('copy');
    const copy = statSync(lab.path('copy', 'disk.img'));
    assert.equal(copy.size, 300_000_000);
    assert.ok(copy.blocks * 512 < 8_000_000, `${copy.blocks} blocks`);
    assert.ok(diskUsage(hub.store) < 8_000_000);
    assert.ok(diskUsage(lab.path('copy')) < 16_000_000);
  });

  it('a file of 40 MB', async () => {
    const work = await lab.volume('work', hub);
    writeFileSync(join(work, 'big'), noise(40_000_001));
    const made = await save('work');
    assert.equal(made.bytes, 40_000_001);
    await lab.run(['clone', `${hub.url}/data`, 'copy']);
    assertSame(work, lab.path('copy'));
    await assertClean('copy');
  });

  it('the time of a directory travels, but is no change', async () => {
    const work = await lab.volume('work', hub);
    mkdirSync(join(work, 'dir'), { mode: 0o750 });
    writeFileSync(join(work, 'dir/file'), 'one');
    chmodSync(work, 0o711);
    const first = await save('work');
    await lab.run(['clone', `${hub.url}/data`, 'copy']);
    assertSame(work, lab.path('copy'));
    for (const path of [work, join(work, 'dir')]) {
      writeFileSync(join(path, 'comes'), 'and goes');
      rmSync(join(path, 'comes'));
    }
    await assertClean('work');
    writeFileSync(join(work, 'dir/file'), 'two');
    const second = await save('work');
    assert.deepEqual([second.changed, second.parents], [1, [first.snapshot]]);
    const { added, modified } = await lab.in('work', ['diff', 'main~1', 'main']);
    assert.deepEqual([added, modified.map((row: { path: string }) => row.path)], [[], ['dir/file']]);
    // What somebody has chosen here stays.
    chmodSync(lab.path('copy'), 0o700);
    await lab.in('copy', ['pull']);
    assert.equal(statSync(lab.path('copy')).mode & 0o777, 0o700);
    chmodSync(lab.path('copy'), 0o711);
    assertSame(work, lab.path('copy'));
    await lab.in('copy', ['restore', 'main', '--to', lab.path('out')]);
    assertSame(work, lab.path('out'));
  });

  it("file, directory and symlink take each other's place in every order", async () => {
    const work = await lab.volume('work', hub);
    const shapes: Record<string, (path: string) => void> = {
      file: (path) => writeFileSync(path, 'a file'),
      dir: (path) => {
        mkdirSync(path);
        writeFileSync(join(path, 'inside'), 'inside');
      },
      link: (path) => symlinkSync('elsewhere', path),
      empty: (path) => mkdirSync(path),
      gone: () => {},
    };
    const kinds = Object.keys(shapes);
    writeFileSync(join(work, 'anchor'), 'stays');
    await save('work');
    await lab.run(['clone', `${hub.url}/data`, 'copy']);
    // Name `x-y` is x at first and y afterwards: all 25 pairs in two snapshots, and back.
    const put = (which: 0 | 1) => {
      for (const one of kinds) {
        for (const other of kinds) {
          const path = join(work, `${one}-${other}`);
          rmSync(path, { recursive: true, force: true });
          shapes[which === 0 ? one : other](path);
        }
      }
    };
    for (const which of [0, 1, 0] as const) {
      put(which);
      const made = await lab.in('work', ['snapshot', '--push', 'origin'], 0, { env: { PLAIT_MAX_DELETE: '100%' } });
      assert.deepEqual(made.problems, []);
      await lab.in('copy', ['pull']);
      assertSame(work, lab.path('copy'));
      await assertClean('copy');
    }
  });
});
