import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { PlaitError } from '../../src/core/errors.ts';
import { openMetaStore } from '../../src/meta/index.ts';
import { grow, seed, V } from './helpers.ts';

const child = join(import.meta.dirname, 'committer.ts');

describe('metadata: the file', () => {
  let dir: string;
  let path: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'plait-meta-'));
    path = join(dir, 'meta.db');
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  /** Commits `count` snapshots in another process; 0: until it is killed. Resolves at `lines` lines of output or its end. */
  function committer(count: number, lines: number): Promise<{ exit: number | null; kill: () => Promise<unknown> }> {
    const process_ = spawn(process.execPath, [child, path, String(count)], { stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = new Promise<number | null>((resolve) => process_.on('exit', resolve));
    const kill = () => {
      process_.kill('SIGKILL');
      return ended;
    };
    let seen = 0;
    return new Promise((resolve) => {
      void ended.then((exit) => resolve({ exit, kill }));
      process_.stdout.on('data', (data: Buffer) => {
        seen += data.toString().split('\n').length - 1;
        if (seen >= lines) resolve({ exit: null, kill });
      });
    });
  }
  const make = () => {
    const meta = openMetaStore({ path, create: true });
    seed(meta);
    return meta;
  };

  it('is made once, private, with nothing left beside it', () => {
    const { self } = make();
    assert.equal(statSync(path).mode & 0o777, 0o600);
    const again = openMetaStore({ path, create: true });
    assert.equal(again.self.install, self.install);
    assert.deepEqual(
      readdirSync(dir).filter((name) => name.includes('.new')),
      [],
    );
  });
  it('goes on under another epoch when told to', () => {
    const { install } = openMetaStore({ path: ':memory:' }).self;
    const meta = openMetaStore({ path, create: true, identity: { install, epoch: 2 }, label: 'box' });
    assert.deepEqual(meta.self, { install, epoch: 2, store: `${install}.2`, label: 'box', ephemeral: false });
  });
  it('keeps everything over a restart, the open generation too', () => {
    const before = make();
    const [view, plan] = [before.findVolset(V), before.planDeltas(V, {}, 0)];
    before[Symbol.dispose]();
    const after = openMetaStore({ path });
    assert.deepEqual([after.findVolset(V), after.planDeltas(V, {}, 0), after.self], [view, plan, before.self]);
    assert.equal(Object.keys(after.cut(V)).length, 1);
    after[Symbol.dispose]();
  });
  it('is not there: no-store, with a hint', () =>
    assert.throws(
      () => openMetaStore({ path }),
      (error) => error instanceof PlaitError && error.code === 'no-store' && !!error.hint,
    ));
  it('of an unknown format is refused', () => {
    make()[Symbol.dispose]();
    const db = new DatabaseSync(path);
    db.exec('PRAGMA user_version = 9');
    db.close();
    assert.throws(() => openMetaStore({ path }), { code: 'format' });
  });
  it('of the format before the first release: says how to get the store again, and is left alone', () => {
    make()[Symbol.dispose]();
    const db = new DatabaseSync(path);
    db.exec('PRAGMA user_version = 0; DROP TABLE forks; DROP TABLE members');
    db.close();
    const before = readFileSync(path);
    assert.throws(
      () => openMetaStore({ path, create: true }),
      (error) =>
        error instanceof PlaitError &&
        error.exit === 17 &&
        /remote/.test(error.hint ?? '') &&
        /bundle/.test(error.hint ?? ''),
    );
    assert.deepEqual(readFileSync(path), before);
  });

  it('two processes commit at once: both succeed, and reads go on', async () => {
    const meta = make();
    const both = [committer(40, Infinity), committer(40, Infinity)];
    const done = Promise.all(both);
    for (let i = 0; i < 20; i++) {
      meta.listBranches(V);
      grow(meta);
      await new Promise(setImmediate);
    }
    assert.deepEqual(
      (await done).map(({ exit }) => exit),
      [0, 0],
    );
    assert.equal(meta.findVolset(V)?.snapshots, 101);
    assert.deepEqual(meta.verify(), []);
    meta[Symbol.dispose]();
  });
  it('a writer waits no longer than told, readers never', () => {
    const meta = make();
    const other = openMetaStore({ path, lockWaitMs: 20 });
    const holder = new DatabaseSync(path);
    holder.exec('BEGIN IMMEDIATE');
    assert.throws(() => grow(other), { code: 'busy' });
    assert.equal(other.listBranches(V).length, 1);
    holder.exec('COMMIT');
    grow(other);
    for (const open of [meta, other]) open[Symbol.dispose]();
    holder.close();
  });
  it('kill -9 in the middle of commits: opens clean, whole commits only', async () => {
    make()[Symbol.dispose]();
    for (let round = 1; round <= 6; round++) {
      const { kill } = await committer(0, 3 * round);
      await kill();
      const meta = openMetaStore({ path });
      assert.deepEqual(meta.verify(), []);
      const [main] = meta.listBranches(V);
      assert.equal(meta.lineage(V, [main.tip as never])[main.tip as never].depth + 1, meta.findVolset(V)?.snapshots);
      meta[Symbol.dispose]();
    }
  });

  describe('damaged', () => {
    let whole: Buffer;
    beforeEach(() => {
      const meta = make();
      for (let i = 0; i < 60; i++) grow(meta);
      meta.cut(V);
      meta.putSetting('key', 'an unlikely value');
      meta.putRemote({ name: 'origin', url: 'http://unlikely.example', enabled: true });
      meta[Symbol.dispose]();
      whole = readFileSync(path);
    });
    /** Everything a command might do; must end in our own error or work. */
    function use(): PlaitError[] {
      const errors: PlaitError[] = [];
      const attempt = (work: () => unknown) => {
        try {
          work();
        } catch (error) {
          assert.ok(error instanceof PlaitError, `a raw error came out: ${error}`);
          assert.ok(error.hint, 'no hint');
          errors.push(error);
        }
      };
      attempt(() => {
        const meta = openMetaStore({ path });
        attempt(() => meta.listBranches(V));
        attempt(() => meta.findVolset(V));
        attempt(() => meta.settings());
        attempt(() => meta.listRemotes());
        attempt(() => grow(meta));
        attempt(() => {
          for (const text of meta.verify()) errors.push(new PlaitError('integrity', text));
        });
        meta[Symbol.dispose]();
      });
      return errors;
    }
    it('whole, it works', () => assert.deepEqual(use(), []));
    for (const share of [0, 0.001, 0.3, 0.7, 0.95]) {
      it(`cut to ${share * 100} %: integrity`, () => {
        writeFileSync(path, whole.subarray(0, Math.floor(share * whole.length)));
        const errors = use();
        assert.ok(
          errors.some(({ code }) => code === 'integrity'),
          errors.join(),
        );
      });
    }
    for (const at of [0, 16, 20, 60, 68, 100]) {
      it(`the header flipped at ${at}: integrity or format`, () => {
        const bytes = Buffer.from(whole);
        bytes[at] ^= 0xff;
        writeFileSync(path, bytes);
        assert.ok(use().some(({ code }) => code === 'integrity' || code === 'format'));
      });
    }
    for (const word of ['an unlikely value', 'http://unlikely.example', '"creator":"t"']) {
      it(`a bit flipped in ${word}: noticed`, () => {
        const bytes = Buffer.from(whole);
        // Wherever it stands: pages keep what was moved away.
        for (let at = bytes.indexOf(word); at >= 0; at = bytes.indexOf(word, at + 1)) bytes[at + 2] ^= 1;
        writeFileSync(path, bytes);
        assert.ok(use().some(({ code }) => code === 'integrity'));
      });
    }
    it('something else altogether: integrity', () => {
      writeFileSync(path, 'not a database, but long enough to look at for a moment'.repeat(100));
      assert.ok(use().some(({ code }) => code === 'integrity'));
    });
  });
});
