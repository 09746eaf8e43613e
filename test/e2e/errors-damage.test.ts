/** Bytes that rotted: found by verify with what they hit, never handed out, exit 14. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type Document, Lab } from './helpers/lab.ts';
import { fails } from './helpers/outcome.ts';
import { plait, startPlait } from './helpers/plait.ts';
import { noise } from './helpers/trees.ts';

describe('e2e: damaged stores', function () {
  this.timeout(60_000);
  let lab: Lab;
  let work: string;
  let store: string;
  let made: Document;
  beforeEach(async () => {
    lab = new Lab();
    work = await lab.volume('work');
    store = join(work, '.plait');
    writeFileSync(join(work, 'data.bin'), noise(400_000));
    await lab.in('work', ['snapshot']);
    // Its tree lies in a pack of its own, so that paths can be told when the pack with the data is lost.
    writeFileSync(join(work, 'note'), 'note');
    made = await lab.in('work', ['snapshot']);
  });
  afterEach(() => lab[Symbol.asyncDispose]());

  /** The pack with the data: the largest. */
  function pack(): string {
    const folder = join(store, 'packs', made.volsetId);
    const names = readdirSync(folder).filter((name) => name.endsWith('.pack'));
    const bySize = names.map((name) => join(folder, name)).sort((a, b) => size(b) - size(a));
    return bySize[0];
  }
  const size = (path: string): number => readFileSync(path).length;

  async function assertHit(argv: string[]): Promise<void> {
    const found = await lab.in('work', argv, 14);
    assert.equal(found.ok, false);
    const hits = found.damage.filter((row: Document) => row.snapshots.includes(made.snapshot));
    assert.ok(hits.length > 0, JSON.stringify(found.damage));
    for (const hit of hits) assert.equal(hit.volset, made.volsetId);
    assert.ok(
      hits.some((hit: Document) => JSON.stringify(hit.paths) === '[{"path":"data.bin"}]'),
      JSON.stringify(found.damage),
    );
    const text = await plait(['-C', work, ...argv]);
    assert.equal(text.exit, 14);
    assert.match(text.stdout, /data\.bin/);
  }

  /** Nothing wrong is handed out, neither to a pipe nor to a directory. */
  async function assertUnreadable(): Promise<void> {
    const cat = await plait(['-C', work, 'cat', 'main', 'data.bin']);
    assert.equal(cat.exit, 14, cat.stderr);
    assert.ok(noise(400_000).subarray(0, Buffer.byteLength(cat.stdout, 'latin1')), 'a prefix at most');
    assert.match(cat.stderr, /^error: .+\nhint: .+\n$/);
    const to = lab.path('back');
    const { problems } = await lab.in('work', ['restore', 'main', '--to', to], 14);
    assert.deepEqual(
      problems.map(({ what, path }: Document) => [what, path]),
      [['damaged', 'data.bin']],
    );
    assert.equal(readFileSync(join(to, 'note'), 'utf8'), 'note');
    assert.equal(existsSync(join(to, 'data.bin')), false);
  }

  it('a flipped bit in a pack', async () => {
    const bytes = readFileSync(pack());
    bytes[200_000] ^= 4;
    writeFileSync(pack(), bytes);
    await assertHit(['verify', '--read-data']);
    await assertHit(['verify', '--sample', '100%']);
    await assertUnreadable();
  });

  it('a pack cut off in the middle', async () => {
    truncateSync(pack(), 150_000);
    await assertHit(['verify']);
    await assertUnreadable();
  });

  it('a pack that is gone', async () => {
    rmSync(pack());
    await assertHit(['verify']);
    await assertUnreadable();
  });

  it('an index that is gone, cut off or rotten is made again without a word', async () => {
    const index = join(store, 'index.db');
    const harms: [string, () => void][] = [
      ['gone', () => rmSync(index)],
      ['empty', () => truncateSync(index, 0)],
      ['cut off', () => truncateSync(index, 5000)],
      ['no database', () => writeFileSync(index, 'x'.repeat(20_000))],
    ];
    for (const [what, harm] of harms) {
      for (const suffix of ['-wal', '-shm']) rmSync(index + suffix, { force: true });
      harm();
      const end = await plait(['-C', work, 'ls', 'main']);
      assert.deepEqual([end.exit, end.stderr], [0, ''], what);
      await lab.verify(store);
    }
  });

  it('metadata that is cut off, rotten, empty or gone: exit 14 or 10, and what is left is not touched', async () => {
    const meta = join(store, 'meta.db');
    const whole = readFileSync(meta);
    const harms: [string, number, () => void][] = [
      ['cut off', 14, () => truncateSync(meta, 9000)],
      ['no database', 14, () => writeFileSync(meta, 'x'.repeat(20_000))],
      ['empty', 14, () => truncateSync(meta, 0)],
      ['gone', 10, () => rmSync(meta)],
    ];
    for (const [what, exit, harm] of harms) {
      harm();
      const left = existsSync(meta) ? readFileSync(meta) : undefined;
      for (const verb of ['status', 'snapshot']) {
        const code = exit === 14 ? 'integrity' : 'no-store';
        await fails([verb], { exit, code, message: /meta\.db/, hint: /\S/ }, { cwd: work });
      }
      const found = await lab.in('work', ['verify', '--read-data'], 14);
      const texts = found.damage.map((row: Document) => row.what as string);
      assert.ok(texts.length === 1 && /meta\.db/.test(texts[0]), `${what}: ${JSON.stringify(found)}`);
      assert.deepEqual([found.checked.volsets, found.checked.snapshots > 0], [1, true], 'all else is checked');
      if (left) assert.deepEqual(readFileSync(meta), left, what);
      writeFileSync(meta, whole);
    }
    await lab.verify(store);
  });

  it('a store of another format: exit 17, untouched', async () => {
    writeFileSync(join(store, 'format'), 'plait-store 99\n');
    const wanted = {
      exit: 17,
      code: 'format',
      message: /format that this plait does not know/,
      hint: /version of plait/,
    };
    for (const verb of ['status', 'snapshot', 'verify']) await fails([verb], wanted, { cwd: work });
    writeFileSync(join(store, 'format'), 'plait-store 1\n');
    await lab.verify(store);
  });

  it('a store that another process holds: exit 11 after --lock-wait', async () => {
    const db = new DatabaseSync(join(store, 'meta.db'));
    db.exec('BEGIN IMMEDIATE');
    await lab.in('work', ['status']);
    const wanted = { exit: 11, code: 'busy', message: /process|command/i, hint: /\S/ };
    await fails(['--lock-wait', '1s', 'branch', 'create', 'side'], wanted, { cwd: work });
    await fails(['snapshot', '--lock-wait', '1s'], wanted, { cwd: work });
    const waiting = startPlait(['--json', '--lock-wait', '60s', 'branch', 'create', 'side'], { cwd: work, input: '' });
    db.exec('ROLLBACK');
    db.close();
    const { exit, stdout } = await waiting.ended;
    assert.deepEqual([exit, JSON.parse(stdout).name], [0, 'side']);
    await lab.verify(store);
  });

  it('a setting that no longer parses names its key and store, and can be taken back', async () => {
    await lab.in('work', ['config', 'set', 'lock-wait', '5s']);
    const db = new DatabaseSync(join(store, 'meta.db'));
    const { value, sum } = db
      .prepare("SELECT value, sum FROM settings WHERE key = 'config.lock-wait'")
      .get() as Document;
    assert.equal(value, '5s');
    db.exec("UPDATE settings SET value = 'soon' WHERE key = 'config.lock-wait'");
    db.close();
    assert.ok(sum);
    await fails(['status'], { exit: 14, code: 'integrity', message: /damaged/ }, { cwd: work });
  });
});
