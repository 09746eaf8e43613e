/** Every document of the contract, field by field: names and kinds of all that is promised, from real runs. */
import assert from 'node:assert/strict';
import { rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Document, type Hub, Lab } from './helpers/lab.ts';

type Check = (value: unknown) => boolean;
type Shape = { [field: string]: Check };

const text: Check = (v) => typeof v === 'string' && v.length > 0;
const textOrNull: Check = (v) => v === null || typeof v === 'string';
const count: Check = (v) => Number.isSafeInteger(v) && (v as number) >= 0;
const bool: Check = (v) => typeof v === 'boolean';
const id: Check = (v) => typeof v === 'string' && /^[0-9a-f]{64}$/.test(v);
const idOrNull: Check = (v) => v === null || id(v);
const objectId: Check = (v) => typeof v === 'string' && /^[0-9a-f]{32}$/.test(v);
const time: Check = (v) => typeof v === 'string' && new Date(v).toISOString() === v;
const timeOrNull: Check = (v) => v === null || time(v);
const oneOf =
  (...values: unknown[]): Check =>
  (v) =>
    values.includes(v);
const texts: Check = (v) => typeof v === 'object' && v !== null && Object.values(v).every((x) => typeof x === 'string');
const object =
  (shape: Shape): Check =>
  (v) => {
    assert.ok(typeof v === 'object' && v !== null, `no object: ${JSON.stringify(v)}`);
    for (const [field, check] of Object.entries(shape)) {
      const value: unknown = (v as Record<string, unknown>)[field];
      assert.ok(Object.hasOwn(v, field) && check(value), `${field}: ${JSON.stringify(value)} in ${JSON.stringify(v)}`);
    }
    return true;
  };
const list =
  (check: Check, atLeast = 0): Check =>
  (v) =>
    Array.isArray(v) && v.length >= atLeast && v.every(check);

const moved = object({ snapshots: count, chunks: count, bytes: count });
const problem = object({ what: text, message: text });
const path = object({ path: text });
const branchRow = object({
  name: text,
  side: oneOf('here', 'remote'),
  action: oneOf(
    ...['new', 'fast-forward', 'up-to-date', 'rejected', 'behind', 'ahead', 'deleted', 'replaced', 'renamed'],
  ),
  from: idOrNull,
  to: idOrNull,
});
const diverged = object({ branch: text, current: id, target: id, base: idOrNull });
const conflict = object({
  id,
  kind: oneOf('volset', 'branch', 'snapshot', 'path', 'name', 'delete'),
  object: text,
  field: text,
  initial: textOrNull,
  current: textOrNull,
  target: textOrNull,
  resolution: oneOf('current', 'target', 'value'),
  resolved: bool,
  writes: list(id, 2),
  volset: text,
  objectName: textOrNull,
});
const fields = { name: textOrNull, description: textOrNull, owner: textOrNull, creator: textOrNull, attrs: texts };
const volsetShape: Shape = { id: objectId, ...fields, branches: count, snapshots: count };
const syncShape = (least: { branches?: number; diverged?: number; conflicts?: number } = {}): Shape => ({
  volset: text,
  remote: text,
  upToDate: bool,
  dryRun: bool,
  pushed: moved,
  pulled: moved,
  branches: list(branchRow, least.branches),
  conflicts: list(conflict, least.conflicts),
  diverged: list(diverged, least.diverged),
  problems: list(problem),
  requests: count,
  traffic: object({ sent: count, received: count }),
  durationMs: count,
});
const snapshotShape: Shape = {
  snapshot: id,
  created: bool,
  parents: list(id),
  root: id,
  volset: text,
  branch: text,
  files: count,
  bytes: count,
  new: count,
  changed: count,
  deleted: count,
  unchanged: count,
  addedBytes: count,
  storedBytes: count,
  problems: list(problem),
  durationMs: count,
};
const errorShape: Shape = {
  error: object({
    code: text,
    message: text,
    hint: text,
    exit: count,
    data: (v) => v === null || typeof v === 'object',
  }),
};

describe('e2e: JSON documents and porcelain', function () {
  this.timeout(60_000);
  let lab: Lab;
  let hub: Hub;
  let work: string;
  let first: string;
  before(async () => {
    lab = new Lab();
    hub = await lab.hub();
    work = await lab.volume('work', hub);
    for (const name of ['same', 'edited', 'gone', 'kind']) writeFileSync(join(work, name), name);
    first = (await lab.in('work', ['snapshot', '-m', 'one', '--name', 'first', '--attr', 'tag=v1'])).snapshot;
    await lab.in('work', ['push']);
  });
  after(() => lab[Symbol.asyncDispose]());
  const has = (document: Document, shape: Shape): void => void object(shape)(document);
  const edit = (dir: string) => {
    writeFileSync(join(dir, 'edited'), 'edited again');
    writeFileSync(join(dir, 'added'), 'added');
    rmSync(join(dir, 'gone'), { force: true });
    rmSync(join(dir, 'kind'), { force: true });
    symlinkSync('same', join(dir, 'kind'));
  };

  it('status, diff, snapshot', async () => {
    edit(work);
    const status = await lab.in('work', ['status', '--exit-code'], 7);
    has(status, {
      volset: oneOf('data'),
      branch: oneOf('main'),
      tip: id,
      base: id,
      clean: oneOf(false),
      added: list(path, 1),
      modified: list(path, 1),
      deleted: list(path, 1),
      typeChanged: list(path, 1),
      problems: list(problem),
      conflicts: count,
      queue: count,
      remotes: list(
        object({
          name: text,
          queued: count,
          dead: count,
          branches: list(object({ name: text, ahead: count, behind: count, diverged: bool }), 1),
          lastSync: timeOrNull,
        }),
        1,
      ),
    });
    assert.equal(
      await lab.text(['-C', work, 'status', '--porcelain']),
      'A\tadded\nM\tedited\nD\tgone\nT\tkind\n#\torigin\tmain\t0\t0\n',
    );
    const lists = { added: list(path, 1), modified: list(path, 1), deleted: list(path, 1), typeChanged: list(path, 1) };
    has(await lab.in('work', ['diff']), lists);
    const made = await lab.in('work', ['snapshot', '-m', 'two']);
    has(made, snapshotShape);
    assert.deepEqual([made.new, made.changed, made.deleted, made.unchanged, made.files], [1, 2, 1, 1, 3]);
    assert.ok(made.addedBytes > 0 && made.storedBytes > 0);
    const same = await lab.in('work', ['snapshot', '--skip-unchanged']);
    has(same, snapshotShape);
    assert.deepEqual([same.created, same.snapshot], [false, made.snapshot]);
    has(await lab.in('work', ['diff', 'main~1', 'main']), lists);
  });

  it('log, ls, branch list, volset list, verify, version', async () => {
    const log = await lab.in('work', ['log']);
    has(log, {
      snapshots: list(
        object({
          snapshot: id,
          parents: list(id),
          created: time,
          creator: text,
          description: textOrNull,
          name: textOrNull,
          attrs: texts,
          bytes: count,
          files: count,
          branches: list(text),
          hasBlob: bool,
        }),
        2,
      ),
    });
    const row = log.snapshots.at(-1);
    assert.deepEqual([row.snapshot, row.name, row.description, row.attrs], [first, 'first', 'one', { tag: 'v1' }]);
    const entries = list(object({ path: text, kind: oneOf('file', 'dir', 'symlink'), mode: text, size: count }), 1);
    has(await lab.in('work', ['ls', 'main']), { entries });
    has(await lab.in('work', ['branch', 'list']), {
      branches: list(object({ id: objectId, name: text, tip: idOrNull, current: bool }), 1),
    });
    has(await lab.in('work', ['volset', 'list']), {
      volsets: list(object(volsetShape), 1),
    });
    has(await lab.in('work', ['verify', '--read-data']), {
      ok: oneOf(true),
      checked: object({ volsets: count, snapshots: count, objects: count, packs: count }),
      damage: list(object({ what: text, volset: textOrNull, snapshots: list(id), paths: list(path) })),
      repaired: count,
      lost: count,
    });
    has(await lab.run(['version']), { version: text });
  });

  it('push, pull, fetch, sync, clone, dry run', async () => {
    const dry = await lab.in('work', ['push', '--dry-run']);
    has(dry, syncShape({ branches: 1 }));
    assert.deepEqual([dry.dryRun, dry.pushed.snapshots, dry.branches[0].action], [true, 0, 'fast-forward']);
    const before = await lab.in('work', ['status']);
    assert.deepEqual(before.remotes[0].branches[0], { name: 'main', ahead: 1, behind: 0, diverged: false });
    const pushed = await lab.in('work', ['push']);
    has(pushed, syncShape({ branches: 1 }));
    assert.ok(pushed.pushed.snapshots === 1 && pushed.pushed.chunks > 0 && pushed.pushed.bytes > 0);
    const cloned = await lab.run(['clone', `${hub.url}/data`, 'copy']);
    has(cloned, { ...syncShape({ branches: 1 }), branch: text, snapshot: id, written: count, dir: text });
    for (const verb of ['pull', 'fetch', 'sync']) has(await lab.in('copy', [verb]), syncShape({ branches: 1 }));
  });

  it('a diverged branch, in JSON and in rows that never change', async () => {
    const ids: Record<string, string> = {};
    for (const dir of ['work', 'copy']) {
      writeFileSync(lab.path(dir, `by-${dir}`), dir);
      ids[dir] = (await lab.in(dir, ['snapshot'])).snapshot;
    }
    const rows = (dir: string, verb: string, exit = 0, ...flags: string[]) =>
      lab.text(['-C', lab.path(dir), verb, '--porcelain', ...flags], exit);
    const base = (await lab.in('work', ['log', 'main~1'])).snapshots[0].snapshot;
    assert.equal(await rows('work', 'push'), ` \tmain\t${base}\t${ids.work}\tremote fast-forward\n`);
    assert.equal(await rows('work', 'push'), `=\tmain\t${ids.work}\t${ids.work}\tremote up-to-date\n`);
    assert.equal(await rows('copy', 'push', 6), `!\tmain\t${ids.work}\t${ids.work}\tremote rejected\n`);
    assert.equal(await rows('copy', 'pull', 6), `!\tmain\t${ids.copy}\t${ids.copy}\there rejected\n`);
    has(await lab.in('copy', ['sync'], 6), syncShape({ branches: 1, diverged: 1 }));
    const own = await lab.in('copy', ['branch', 'create', 'own']);
    assert.equal(own.tip, ids.copy);
    assert.match(await rows('copy', 'push', 6), new RegExp(`^\\*\\town\\t-\\t${ids.copy}\\tremote new$`, 'm'));
    assert.match(await rows('copy', 'status'), /^#\torigin\tmain\t1\t1$/m);
  });

  it('update, conflicts, members, volset', async () => {
    for (const dir of ['work', 'copy']) {
      const done = await lab.in(dir, ['update', '--description', `by ${dir}`]);
      has(done, { object: oneOf('volset'), ...fields, changed: list(oneOf('description'), 1) });
    }
    await lab.in('work', ['sync']);
    has(await lab.in('copy', ['sync'], [5, 6]), syncShape({ conflicts: 1 }));
    const { conflicts } = await lab.in('copy', ['conflicts', 'list']);
    assert.ok(list(conflict, 1)(conflicts));
    assert.deepEqual(await lab.in('copy', ['conflicts', 'show', conflicts[0].id]), conflicts[0]);
    const settled = await lab.in('copy', ['conflicts', 'resolve', conflicts[0].id, '--current']);
    assert.ok(conflict(settled));
    has(settled, { resolved: oneOf(true), problems: list(problem) });
    const member = object({ store: text, label: textOrNull, lastSeen: time, state: oneOf('active', 'retired') });
    const { members } = await lab.run(['--store', hub.store, 'member', 'list']);
    assert.ok(list(member, 1)(members));
    assert.ok(member(await lab.run(['--store', hub.store, 'member', 'retire', members[0].store])));
    has(await lab.in('work', ['volset', 'rename', 'data', 'renamed']), volsetShape);
    const bare = lab.path('bare');
    await lab.run(['init', '--bare', bare, '--volset', 'gone']);
    has(await lab.run(['--store', bare, 'volset', 'delete', 'gone']), { deleted: object(volsetShape) });
    await lab.run(['--store', bare, 'remote', 'add', 'origin', hub.url]);
    has(await lab.run(['--store', bare, 'sync', '--all-volsets'], 5), {
      remote: oneOf('origin'),
      volsets: list(object(syncShape()), 1),
    });
  });

  it('remotes and tokens', async () => {
    has(await lab.in('work', ['remote', 'show', 'origin']), {
      identity: text,
      volsets: list(object({ id: objectId, name: text, branches: list(object({ name: text, tip: idOrNull }), 1) }), 1),
    });
    has(await lab.in('work', ['remote', 'list']), {
      remotes: list(object({ name: text, url: text, enabled: bool, hasToken: bool }), 1),
    });
    const argv = ['--store', hub.store, 'token'];
    has(await lab.run([...argv, 'create', '--can', 'read', '--expires', '90d', '--label', 'ci']), { token: text });
    has(await lab.run([...argv, 'list']), {
      tokens: list(object({ id: text, volset: text, can: list(text, 1), label: text }), 1),
    });
  });

  it('failures: one document on stdout, the same exit code without --json', async () => {
    const rows: [exit: number, argv: string[]][] = [
      [2, ['-C', work, 'push', '--no-such-flag']],
      [2, ['-C', work, 'no-such-verb']],
      [2, ['-C', work, 'checkout']],
      [10, ['-C', work, 'checkout', 'nowhere']],
      [10, ['-C', lab.dir, 'status']],
      [10, ['-C', work, 'push', 'nowhere']],
      [13, ['remote', 'show', 'http://127.0.0.1:1']],
    ];
    for (const [exit, argv] of rows) {
      const document = await lab.run(argv, exit);
      assert.deepEqual(Object.keys(document), ['error']);
      has(document, errorShape);
      assert.equal(document.error.exit, exit);
      assert.equal(await lab.text(argv, exit), '');
    }
  });
});
