import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { epochOf, type StoreId, storeId } from '../../src/core/ids.ts';
import { type MetaOptions, type MetaStore, openMetaStore } from '../../src/meta/index.ts';
import { fetchFrom, grow, seed, V } from './helpers.ts';

const committer = join(import.meta.dirname, 'committer.ts');

describe('metadata: identity', () => {
  let dir: string;
  let stateDir: string;
  const opened: MetaStore[] = [];
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'plait-meta-'));
    stateDir = join(dir, 'state', 'stores');
  });
  afterEach(() => {
    for (const meta of opened.splice(0)) meta[Symbol.dispose]();
    rmSync(dir, { recursive: true });
  });

  const open = (store: string, more: Partial<MetaOptions> = {}): MetaStore => {
    mkdirSync(join(dir, store), { recursive: true });
    const meta = openMetaStore({ path: join(dir, store, 'meta.db'), create: true, stateDir, ...more });
    opened.push(meta);
    return meta;
  };
  const close = (meta: MetaStore): void => {
    opened.splice(opened.indexOf(meta), 1);
    meta[Symbol.dispose]();
  };
  /** A store with one closed generation, closed. */
  const made = (store = 'a', more: Partial<MetaOptions> = {}): StoreId => {
    const meta = open(store, more);
    seed(meta);
    meta.cut(V);
    const { store: id } = meta.self;
    close(meta);
    return id;
  };
  const publish = (meta: MetaStore): StoreId => {
    grow(meta);
    meta.cut(V);
    return meta.self.store;
  };
  const stateOf = (id: StoreId): string => readFileSync(join(stateDir, id), 'utf8');
  /** In place: the file is the same one, its content an older one. */
  const restoreInPlace = (from: string, to: string): void => {
    for (const suffix of ['-wal', '-shm']) rmSync(join(dir, to, `meta.db${suffix}`), { force: true });
    writeFileSync(join(dir, to, 'meta.db'), readFileSync(join(dir, from, 'meta.db')));
  };

  it('stays what it is over restarts, and when the store is moved', () => {
    const id = made();
    for (let i = 0; i < 3; i++) {
      const meta = open('a');
      assert.equal(publish(meta), id);
      close(meta);
    }
    renameSync(join(dir, 'a'), join(dir, 'b'));
    const moved = open('b');
    assert.equal(publish(moved), id);
    assert.deepEqual(Object.keys(moved.vector(V)), [id]);
  });

  it('a copy goes on under another epoch, the original under its own', () => {
    const id = made();
    cpSync(join(dir, 'a'), join(dir, 'b'), { recursive: true });
    const [copy, original] = [open('b'), open('a')];
    assert.notEqual(copy.self.store, id, 'a copy that is only asked must not answer as the original');
    assert.deepEqual([publish(original), copy.self.install], [id, original.self.install]);
    assert.ok(epochOf(publish(copy)) > epochOf(id));
    assert.deepEqual([copy.verify(), original.verify()], [[], []]);
    const third = open('c');
    for (const from of [original, copy]) fetchFrom(third, from);
    assert.deepEqual(Object.keys(third.vector(V)).sort(), [copy.self.store, id].sort());
    assert.equal(third.findVolset(V)?.snapshots, 3, 'a snapshot of both');
  });
  it('two copies never choose the same epoch by chance', () => {
    const id = made();
    for (const name of ['b', 'c', 'd']) cpSync(join(dir, 'a'), join(dir, name), { recursive: true });
    const ids = ['b', 'c', 'd'].map((name) => publish(open(name)));
    assert.equal(new Set([id, ...ids]).size, 4);
  });
  it('a copy keeps its own refs, and its open records are issued under the new epoch', () => {
    const meta = open('a');
    seed(meta);
    const tip = grow(meta);
    close(meta);
    cpSync(join(dir, 'a'), join(dir, 'b'), { recursive: true });
    const copy = open('b');
    assert.equal(copy.listBranches(V)[0].tip, tip);
    assert.deepEqual(copy.refs(V, 'self').length, 1);
    assert.deepEqual(Object.keys(copy.cut(V)), [copy.self.store]);
    assert.deepEqual(copy.verify(), []);
  });

  it('unpacked from an archive it is another', () => {
    const id = made();
    execFileSync('tar', ['-cf', 'a.tar', 'a'], { cwd: dir });
    rmSync(join(dir, 'a'), { recursive: true });
    execFileSync('tar', ['-xf', 'a.tar'], { cwd: dir });
    assert.notEqual(publish(open('a')), id);
  });
  it('put back in place it is another, for more was issued since', () => {
    const id = made();
    cpSync(join(dir, 'a'), join(dir, 'backup'), { recursive: true });
    const meta = open('a');
    publish(meta);
    close(meta);
    const { ino } = statSync(join(dir, 'a', 'meta.db'));
    restoreInPlace('backup', 'a');
    assert.equal(statSync(join(dir, 'a', 'meta.db')).ino, ino);
    assert.notEqual(publish(open('a')), id);
  });
  it('put back in place before anything was issued it is the same', () => {
    const id = made();
    cpSync(join(dir, 'a'), join(dir, 'backup'), { recursive: true });
    restoreInPlace('backup', 'a');
    assert.equal(publish(open('a')), id);
  });
  it('a ref that moved counts as well: its revision was told to others', () => {
    const id = made('a');
    cpSync(join(dir, 'a'), join(dir, 'backup'), { recursive: true });
    const meta = open('a');
    grow(meta); // moves the branch; the generation stays open
    close(meta);
    restoreInPlace('backup', 'a');
    assert.notEqual(open('a').self.store, id);
  });

  it('a round that was taken in counts as well, though nothing of ours went out', () => {
    const id = made('a');
    using other = openMetaStore({ path: ':memory:' });
    const meta = open('a');
    fetchFrom(other, meta);
    other.commit(V, [{ edit: 'set', register: 'volset:description', value: 'theirs' }]);
    cpSync(join(dir, 'a'), join(dir, 'backup'), { recursive: true });
    const before = meta.revision(V);
    fetchFrom(meta, other, { refs: undefined });
    assert.equal(meta.revision(V), before + 1);
    close(meta);
    restoreInPlace('backup', 'a');
    assert.notEqual(open('a').self.store, id);
  });
  it('without a state directory, with an empty one or one that says less: the same', () => {
    const id = made();
    assert.equal(stateOf(id), '2\n', 'one ref and one generation');
    for (const content of [undefined, '', '1\n', 'nonsense', '-5\n', `${'9'.repeat(30)}\n`]) {
      rmSync(join(stateDir, id), { force: true });
      if (content !== undefined) writeFileSync(join(stateDir, id), content);
      const meta = open('a');
      assert.equal(publish(meta), id, `state: ${content}`);
      close(meta);
    }
    const alone = open('a', { stateDir: undefined });
    assert.equal(publish(alone), id);
  });
  it('the state file says what was issued, privately, and nothing is left beside it', () => {
    const id = made();
    const meta = open('a');
    for (let i = 0; i < 4; i++) publish(meta);
    assert.equal(stateOf(id), '10\n');
    assert.equal(statSync(join(stateDir, id)).mode & 0o777, 0o600);
    assert.deepEqual(readdirSync(stateDir), [id]);
  });
  it('a state directory that cannot be written to is no error', () => {
    const id = made();
    for (const bad of [join(dir, 'file', 'stores'), join(dir, 'locked', 'stores')]) {
      writeFileSync(join(dir, 'file'), '');
      mkdirSync(join(dir, 'locked'), { recursive: true });
      chmodSync(join(dir, 'locked'), 0o500);
      const meta = open('a', { stateDir: bad });
      assert.equal(publish(meta), id);
      close(meta);
    }
  });
  it('what was rolled back was not issued', () => {
    const meta = open('a');
    seed(meta);
    meta.cut(V);
    const before = stateOf(meta.self.store);
    const tip = meta.listBranches(V)[0].tip;
    assert.throws(() =>
      meta.commit(V, [
        { edit: 'move-ref', branch: meta.listBranches(V)[0].id, from: tip, to: tip as never },
        { edit: 'set', register: 'no register', value: '' },
      ]),
    );
    assert.equal(stateOf(meta.self.store), before);
  });

  it('a new epoch is seen by another process that had the store open', () => {
    const id = made();
    cpSync(join(dir, 'a'), join(dir, 'backup'), { recursive: true });
    const meta = open('a');
    publish(meta);
    close(meta);
    restoreInPlace('backup', 'a');
    rmSync(join(stateDir, id));
    const [one, other] = [open('a'), open('a')];
    assert.deepEqual([one.self.store, other.self.store], [id, id], 'nothing tells by now');
    writeFileSync(join(stateDir, id), '99\n');
    const next = publish(one);
    assert.notEqual(next, id);
    assert.deepEqual([publish(other), other.self.store], [next, next]);
    assert.deepEqual(Object.keys(other.vector(V)).sort(), [id, next].sort());
    assert.deepEqual(other.verify(), []);
  });
  it('processes that begin with a copy at once agree on one epoch', async () => {
    const id = made();
    cpSync(join(dir, 'a'), join(dir, 'b'), { recursive: true });
    const path = join(dir, 'b', 'meta.db');
    const children = [1, 2, 3].map(() => spawn(process.execPath, [committer, path, '5'], { stdio: 'ignore' }));
    const exits = await Promise.all(
      children.map((child) => new Promise((resolve) => child.on('exit', (code) => resolve(code)))),
    );
    assert.deepEqual(exits, [0, 0, 0]);
    const copy = open('b');
    assert.deepEqual(Object.keys(copy.cut(V)).sort(), [id, copy.self.store].sort());
    assert.deepEqual(copy.verify(), []);
  }).timeout(20_000);
  it('killed at any moment it is the same at the next start', async () => {
    const id = made('a', { stateDir: undefined });
    const path = join(dir, 'a', 'meta.db');
    for (let round = 1; round <= 5; round++) {
      const child = spawn(process.execPath, [committer, path, '0', stateDir], { stdio: ['ignore', 'pipe', 'inherit'] });
      let lines = 0;
      const ended = new Promise((resolve) => child.on('exit', resolve));
      child.stdout.on('data', (data: Buffer) => {
        lines += data.toString().split('\n').length - 1;
        if (lines >= 2 * round) child.kill('SIGKILL');
      });
      await ended;
      assert.ok(existsSync(join(stateDir, id)), 'the child keeps its state there');
      const meta = open('a');
      assert.equal(publish(meta), id);
      close(meta);
    }
  }).timeout(20_000);

  it('a copy that cannot be written to now may be looked at; before it issues anything it is another', () => {
    const id = made();
    cpSync(join(dir, 'a'), join(dir, 'b'), { recursive: true });
    const holder = new DatabaseSync(join(dir, 'b', 'meta.db'));
    holder.exec('BEGIN IMMEDIATE');
    const copy = open('b', { lockWaitMs: 10 });
    assert.deepEqual([copy.self.store, copy.listVolsets().length], [id, 1]);
    holder.exec('COMMIT');
    holder.close();
    assert.notEqual(publish(copy), id);
    assert.deepEqual(copy.verify(), []);
  });
  it('an ephemeral store may be copied as often as one likes', () => {
    const meta = open('a', { ephemeral: true });
    seed(meta);
    const { store: id } = meta.self;
    close(meta);
    for (const name of ['b', 'c']) {
      cpSync(join(dir, 'a'), join(dir, name), { recursive: true });
      const copy = open(name);
      grow(copy);
      assert.deepEqual([copy.self.store, copy.self.ephemeral, copy.cut(V)], [id, true, {}]);
    }
    assert.ok(!existsSync(stateDir));
  });
  it('epochs never run out: the step shrinks with the room that is left', () => {
    const { install } = openMetaStore({ path: ':memory:' }).self;
    const last = storeId(install, 999_999_998);
    const meta = open('a', { identity: { install, epoch: epochOf(last) } });
    seed(meta);
    mkdirSync(stateDir, { recursive: true });
    writeFileSync(join(stateDir, last), '99\n');
    assert.equal(epochOf(publish(meta)), 999_999_999);
    writeFileSync(join(stateDir, meta.self.store), '99\n');
    assert.throws(() => publish(meta), { code: 'identity' });
  });
  it('where the rows of the token are damaged: integrity', () => {
    made();
    const db = new DatabaseSync(join(dir, 'a', 'meta.db'));
    db.exec("UPDATE self SET value = '77' WHERE key = 'inode'");
    db.close();
    assert.throws(() => open('a'), { code: 'integrity' });
  });
});
