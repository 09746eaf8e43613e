import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { collectChanges, NameWatch, TreeWatcher, type WatchDirectory } from '../../src/volume/index.ts';
import { Lab } from './harness.ts';

/** What the system would tell, told by the test: no watch of a real directory takes part. */
class Told {
  readonly heard = new Map<string, (name: string | undefined, appeared: boolean) => void>();
  readonly watch: WatchDirectory = (at, onEvent) => {
    this.heard.set(at, onEvent);
    return { close: () => this.heard.get(at) === onEvent && this.heard.delete(at) };
  };
}

describe('watching a tree', () => {
  let lab: Lab;
  let told: Told;
  let changed: string[];
  let watcher: TreeWatcher;

  beforeEach(() => {
    lab = new Lab();
    told = new Told();
    changed = [];
    watcher = new TreeWatcher({
      onChange: (path) => changed.push(path.replaceAll('\0', '/')),
      watch: told.watch,
    });
  });

  afterEach(() => {
    watcher[Symbol.dispose]();
    lab[Symbol.dispose]();
  });

  async function look(): Promise<void> {
    watcher.begin();
    const changes = collectChanges({
      volume: lab.volume,
      baseEntries: lab.entries(lab.volume.state.baseRoot),
      ingest: (root, files) => lab.ingest(root, files),
      observer: watcher,
    });
    for await (const _ of changes);
    watcher.end();
  }

  const watched = (): string[] => [...told.heard.keys()].map((at) => at.slice(lab.dir.length + 1)).sort();
  /** Tells it, and whether it counted. */
  const tell = (dir: string, name: string | undefined, appeared = false): boolean => {
    changed = [];
    told.heard.get(dir === '' ? lab.dir : lab.at(dir))?.(name, appeared);
    return changed.length > 0;
  };

  it('watches directories, no files, nothing that is ignored, and not its own store', async () => {
    lab.write('.plaitignore', 'node_modules/\n*.d\n');
    for (const path of ['a/b/c', 'a/x.d/y', 'node_modules/m/n', 'sub/node_modules/q']) lab.write(path, 'x');
    fs.symlinkSync('a', lab.at('link'));
    await look();
    assert.deepEqual(watched(), ['', 'a', 'a/b', 'sub']);
    assert.equal(watcher.size, 4);
  });

  it('follows the rules when they change', async () => {
    lab.write('out/deep/file', 'x');
    await look();
    assert.deepEqual(watched(), ['', 'out', 'out/deep']);
    lab.write('.plaitignore', 'out\n');
    assert.ok(tell('', '.plaitignore'));
    await look();
    assert.deepEqual(watched(), ['']);
    fs.rmSync(lab.at('.plaitignore'));
    await look();
    assert.deepEqual(watched(), ['', 'out', 'out/deep']);
  });

  it('watches an ignored directory where something in it is tracked', async () => {
    lab.write('out/kept', 'x');
    await lab.snapshot();
    lab.write('.plaitignore', 'out\n');
    lab.write('out/new', 'x');
    await look();
    assert.deepEqual(watched(), ['', 'out']);
    assert.ok(tell('out', 'kept'));
  });

  it('hears nothing of names that are kept out, from the second time on', async () => {
    lab.write('.plaitignore', '*.log\nbuild/\n');
    lab.write('sub/a', 'x');
    await look();
    assert.ok(tell('sub', 'x.log'), 'it may be tracked');
    await look();
    assert.ok(!tell('sub', 'x.log'));
    assert.ok(!tell('sub', 'y.log', true));
    assert.ok(tell('sub', 'build'), 'a file of that name counts');
    assert.ok(tell('sub', 'a'));
    assert.ok(!tell('sub', '.plait', true));
    assert.ok(tell('', '.plait', true), 'the directory may be no volume any more');
    assert.ok(!tell('', '.plait-tmp.0123456789abcdef', true));
  });

  it('hears of names that are kept out where the base tracks one', async () => {
    lab.write('sub/kept.log', 'x');
    await lab.snapshot();
    lab.write('.plaitignore', '*.log\n');
    await look();
    tell('sub', 'new.log');
    await look();
    assert.ok(tell('sub', 'kept.log'));
  });

  it('watches again what was removed and made anew, even under the same number', async () => {
    lab.write('a/b/c', 'x');
    await look();
    const before = [...told.heard.values()];
    tell('a', 'b', true);
    await look();
    assert.ok(!before.includes(told.heard.get(lab.at('a/b'))!));
    assert.ok(before.includes(told.heard.get(lab.at('a'))!));
    fs.renameSync(lab.at('a'), lab.at('z'));
    await look();
    assert.deepEqual(watched(), ['', 'z', 'z/b']);
  });

  it('takes an event without a name for any', async () => {
    lab.write('a/b', 'x');
    await look();
    assert.ok(tell('a', undefined));
  });

  it('watches what is moved in at once, with the rules that hold there', async () => {
    lab.write('.plaitignore', 'skip\n');
    await look();
    const outside = join(lab.top, 'outside');
    for (const path of ['deep/er', 'deep/skip/x', 'own/junk']) fs.mkdirSync(join(outside, path), { recursive: true });
    fs.writeFileSync(join(outside, 'own/.plaitignore'), 'junk\n');
    fs.renameSync(outside, lab.at('in'));
    assert.ok(tell('', 'in', true));
    const expected = ['', 'in', 'in/deep', 'in/deep/er', 'in/own'];
    for (let tries = 0; watched().length < expected.length && tries < 5000; tries++) await sleep(2);
    assert.deepEqual(watched(), expected);
    await look();
    assert.deepEqual(watched(), expected);
  });

  it('keeps its watches where a scan does not come to its end', async () => {
    for (const path of ['a/x', 'b/x', 'c/x']) lab.write(path, 'x');
    await look();
    watcher.begin();
    const changes = collectChanges({
      volume: lab.volume,
      baseEntries: lab.entries(null),
      ingest: (root, files) => lab.ingest(root, files),
      observer: watcher,
      signal: AbortSignal.abort(new Error('stopped')),
    });
    await assert.rejects(lab.list(changes), /stopped/);
    assert.deepEqual(watched(), ['', 'a', 'b', 'c']);
  });

  it('says where the system grants no more, and tries again with the next scan', async () => {
    for (const path of ['a/x', 'b/x', 'c/x']) lab.write(path, 'x');
    let left = 2;
    const scarce: WatchDirectory = (...args) => {
      if (left-- <= 0) throw Object.assign(new Error('no more'), { code: 'ENOSPC' });
      return told.watch(...args);
    };
    watcher = new TreeWatcher({ onChange: () => {}, watch: scarce });
    await look();
    assert.equal(watcher.limit, 'ENOSPC');
    assert.deepEqual(watched(), ['', 'a']);
    left = 5;
    await look();
    assert.equal(watcher.limit, undefined);
    assert.deepEqual(watched(), ['', 'a', 'b', 'c']);
  });

  it('passes over a directory that may not be watched', async () => {
    lab.write('a/x', 'x');
    lab.write('b/x', 'x');
    watcher = new TreeWatcher({
      onChange: () => {},
      watch: (at, ...rest) => {
        if (at.endsWith('/a')) throw Object.assign(new Error('closed'), { code: 'EACCES' });
        return told.watch(at, ...rest);
      },
    });
    await look();
    assert.equal(watcher.limit, undefined);
    assert.deepEqual(watched(), ['', 'b']);
  });

  it('works with the names and directories of a real system', async () => {
    const name = Buffer.from([0x64, 0xff, 0x2f, 0x66]);
    lab.write('ascii/a', 'x');
    fs.mkdirSync(Buffer.concat([Buffer.from(`${lab.dir}/`), Buffer.from([0x64, 0xff])]));
    watcher = new TreeWatcher({ onChange: (path) => changed.push(path) });
    await look();
    fs.writeFileSync(Buffer.concat([Buffer.from(`${lab.dir}/`), name]), 'x');
    for (let tries = 0; !changed.includes('d\xff\0f') && tries < 5000; tries++) await sleep(2);
    assert.ok(changed.includes('d\xff\0f'), JSON.stringify(changed));
  });
});

describe('whether a file was there', () => {
  const deaf: WatchDirectory = () => {
    throw new Error('no watches');
  };
  for (const [how, watch] of [
    ['with events', undefined],
    ['without events', deaf],
  ] as const) {
    it(`is known ${how}, also of one that came and went`, async () => {
      using lab = new Lab();
      lab.write('sub/other', 'x');
      const path = lab.at('sub/lock');
      const touched = async (act: () => void): Promise<boolean> => {
        using name = new NameWatch(path, watch);
        act();
        return await name.touched();
      };
      assert.equal(await touched(() => {}), false);
      assert.equal(await touched(() => fs.appendFileSync(lab.at('sub/other'), 'more')), false);
      const comeAndGo = () => {
        fs.writeFileSync(path, '');
        fs.rmSync(path);
      };
      assert.equal(await touched(comeAndGo), true);
      assert.equal(await touched(() => fs.writeFileSync(path, '')), true);
      assert.equal(await touched(() => {}), true);
      assert.equal(await touched(() => fs.rmSync(path)), true);
    });
  }

  it('is known of one in a directory that came later', async () => {
    using lab = new Lab();
    using name = new NameWatch(lab.at('later/lock'));
    assert.equal(await name.touched(), false);
    lab.write('later/lock', '');
    assert.equal(await name.touched(), true);
  });

  for (const [how, watch] of [
    ['with events', undefined],
    ['without events', deaf],
  ] as const) {
    const comeAndGo = (lab: Lab, path: string): void => {
      lab.write(path, '');
      fs.rmSync(lab.at(path));
    };
    const rows: [what: string, path: string, act: (lab: Lab) => void][] = [
      [
        'a directory that came and went with it',
        'later/lock',
        (lab) => {
          comeAndGo(lab, 'later/lock');
          fs.rmdirSync(lab.at('later'));
        },
      ],
      ['directories that came for it', 'later/on/lock', (lab) => comeAndGo(lab, 'later/on/lock')],
      [
        'a directory that was made anew',
        'sub/lock',
        (lab) => {
          fs.rmSync(lab.at('sub'), { recursive: true });
          comeAndGo(lab, 'sub/lock');
        },
      ],
      [
        'a directory that took the place of another',
        'up/sub/lock',
        (lab) => {
          fs.renameSync(lab.at('up'), lab.at('away'));
          comeAndGo(lab, 'up/sub/lock');
        },
      ],
    ];
    for (const [what, path, act] of rows) {
      it(`is known ${how} in ${what}`, async () => {
        using lab = new Lab();
        lab.write('sub/other', 'x');
        lab.write('up/sub/other', 'x');
        using name = new NameWatch(lab.at(path), watch);
        assert.equal(await name.touched(), false);
        act(lab);
        assert.equal(await name.touched(), true);
      });
    }
  }

  it('is taken for true where the system has lost what it had to tell', async () => {
    using lab = new Lab();
    lab.write('sub/other', 'x');
    using name = new NameWatch(lab.at('sub/lock'), () => ({ close() {} }));
    assert.equal(await name.touched(), false);
    // Times of files are those of the clock's last tick.
    for (let tries = 0; tries < 5000 && !(await name.touched()); tries++) {
      lab.write('sub/lock', '');
      fs.rmSync(lab.at('sub/lock'));
    }
    assert.equal(await name.touched(), true);
  });
});
