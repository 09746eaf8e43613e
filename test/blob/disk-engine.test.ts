/** What only the disk engine does: survive crashes, other processes, lost and damaged files, gc. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { blockCrc } from '../../src/blob/block.ts';
import type { BlobStore, PackDamage } from '../../src/blob/contract.ts';
import { openDiskBlobs } from '../../src/blob/index.ts';
import { ensureFile, tryLock } from '../../src/blob/lock.ts';
import { PackWriter } from '../../src/blob/pack-writer.ts';
import { PlaitError } from '../../src/core/errors.ts';
import { hex, KIND, objectHash } from '../../src/core/hash.ts';
import type { VolsetId } from '../../src/core/ids.ts';
import { blockOf } from '../conformance/block-of.ts';
import { noise } from './noise.ts';
import { TempStore } from './temp-store.ts';

const A = 'a'.repeat(32) as VolsetId;
const B = 'b'.repeat(32) as VolsetId;
const WRITER = fileURLToPath(new URL('./fixture-writer.ts', import.meta.url));
const codeIs = (code: string) => (error: unknown) => error instanceof PlaitError && error.code === code;
const chunk = (seed: number): Buffer => noise(seed, 20_000);
const idOf = (seed: number): Buffer => objectHash(KIND.chunk, chunk(seed));

async function put(store: BlobStore, volset: VolsetId, seeds: number[]): Promise<void> {
  await using writer = store.writer(volset);
  for (const seed of seeds) writer.putObject(KIND.chunk, chunk(seed));
  await writer.finish();
}

const held = (store: BlobStore, volset: VolsetId, seeds: number[]): number[] => [
  ...store.reader(volset).has(KIND.chunk, Buffer.concat(seeds.map(idOf))),
];

/** Starts a writer in a process of its own and kills it when it has written and not finished. */
async function killed(dir: string, count: number, seed: number, mode: 'hang' | 'upload'): Promise<void> {
  const child = spawn(process.execPath, [WRITER, dir, String(count), String(seed), mode], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'exit');
}

async function finished(dir: string, count: number, seed: number): Promise<void> {
  const child = spawn(process.execPath, [WRITER, dir, String(count), String(seed), 'finish'], { stdio: 'inherit' });
  const [code] = await once(child, 'exit');
  assert.equal(code, 0);
}

const damages = async (store: BlobStore, readData: boolean): Promise<PackDamage[]> =>
  Array.fromAsync(store.verifyPacks({ readData }));

/** All rows of the index, in words that do not depend on numbers given out. */
function indexRows(dir: string): unknown[] {
  const db = new DatabaseSync(path.join(dir, 'index.db'), { readOnly: true });
  try {
    const sql = `SELECT v.id AS volset, o.kind, hex(o.id) AS id, p.id AS pack, o.block, o.raw, o.length, p.bytes, p.objects, p.raw AS packRaw
      FROM objects o JOIN volsets v ON v.n = o.volset JOIN packs p ON p.n = o.pack ORDER BY 1, 2, 3`;
    return db.prepare(sql).all();
  } finally {
    db.close();
  }
}

function damageFile(file: string, at: number): void {
  const bytes = fs.readFileSync(file);
  bytes[at < 0 ? bytes.length + at : at] ^= 0xff;
  fs.writeFileSync(file, bytes);
}

describe('disk blob engine', () => {
  let temp: TempStore;
  beforeEach(() => {
    temp = new TempStore();
  });
  afterEach(() => temp[Symbol.asyncDispose]());

  const packFiles = (): string[] => temp.files().filter((name) => name.endsWith('.pack'));
  const close = (store: BlobStore): Promise<void> => Promise.resolve(store[Symbol.asyncDispose]());
  const within = (name: string): string => path.join(temp.dir, name);

  it('keeps what was written, private, and leaves no other file', async () => {
    const umask = process.umask(0o077 | 0o300);
    try {
      const store = await temp.open();
      await put(store, A, [1, 2]);
      await close(store);
    } finally {
      process.umask(umask);
    }
    assert.deepEqual(temp.files(), ['index.db', 'index.lock', packFiles()[0]]);
    for (const name of temp.files()) assert.equal(fs.statSync(within(name)).mode & 0o777, 0o600, name);
    for (const name of ['packs', `packs/${A}`, 'tmp', 'quarantine'])
      assert.equal(fs.statSync(within(name)).mode & 0o777, 0o700, name);
    assert.deepEqual(held(await temp.open(), A, [1, 2, 3]), [1, 1, 0]);
  });

  it('opens after a writer was killed, without its data and without its files', async () => {
    await killed(temp.dir, 100, 10, 'hang');
    assert.ok(temp.files('tmp').length > 0, 'the dead writer left something');
    const store = await temp.open();
    assert.deepEqual(temp.files('tmp'), []);
    assert.deepEqual(held(store, A, [10, 11]), [0, 0]);
    await put(store, A, [10]);
    assert.deepEqual(await damages(store, true), []);
  });

  it('leaves the files of a living writer alone', async () => {
    const first = await temp.open();
    await using writer = first.writer(A);
    writer.putObject(KIND.chunk, chunk(1));
    const second = await temp.open();
    await writer.finish();
    assert.deepEqual(held(second, A, [1]), [1]);
    assert.deepEqual(Buffer.from(second.reader(A).readObject(KIND.chunk, idOf(1))), chunk(1));
  });

  it('lets two processes write at once', async () => {
    await Promise.all([finished(temp.dir, 60, 100), finished(temp.dir, 60, 130)]);
    const store = await temp.open();
    const seeds = Array.from({ length: 90 }, (_, n) => 100 + n);
    assert.deepEqual(
      held(store, A, seeds),
      seeds.map(() => 1),
    );
    assert.deepEqual(await damages(store, true), []);
  });

  it('takes up the upload of a process that was killed', async () => {
    await killed(temp.dir, 20, 50, 'upload');
    const parts = temp.files('quarantine').filter((name) => name.endsWith('.part'));
    assert.equal(parts.length, 1);
    fs.truncateSync(within(parts[0]), fs.statSync(within(parts[0])).size - 5);
    const store = await temp.open();
    await using receiver = await store.receiver(A, 'cut-upload');
    const seeds = Array.from({ length: 20 }, (_, n) => 50 + n);
    const got = [...receiver.has(KIND.chunk, Buffer.concat(seeds.map(idOf)))];
    assert.deepEqual(got, [...seeds.slice(0, -1).map(() => 1), 0]);
    receiver.need(KIND.chunk, Buffer.concat(seeds.map(idOf)));
    receiver.accept();
    await receiver.publish();
    assert.deepEqual(held(store, A, seeds), got);
    assert.deepEqual(await damages(store, true), []);
  });

  it('forgets uploads that nobody took up for long', async () => {
    await killed(temp.dir, 1, 50, 'upload');
    await close(await temp.open());
    assert.ok(temp.files('quarantine').length > 0);
    await temp.open({ now: () => Date.now() + 48 * 3_600_000 });
    assert.deepEqual(temp.files('quarantine'), []);
  });

  it('receives one upload at one place only', async () => {
    const store = await temp.open();
    await using _receiver = await store.receiver(A, 'same');
    await assert.rejects(store.receiver(A, 'same'), codeIs('busy'));
  });

  it('takes an upload whose lock somebody holds for a moment, to see whether its owner lives', async () => {
    const store = await temp.open();
    const path = `${temp.dir}/quarantine/looked-at.lock`;
    ensureFile(path);
    const looking = tryLock(path, 'exclusive');
    const taking = store.receiver(A, 'looked-at');
    looking.release();
    await using receiver = await taking;
    assert.ok(receiver);
  });

  describe('index', () => {
    const fill = async (): Promise<unknown[]> => {
      const store = await temp.open();
      await put(store, A, [1, 2, 3]);
      await put(store, A, [3, 4]);
      await put(store, B, [1]);
      await close(store);
      return indexRows(temp.dir);
    };

    it('is made again, equal, when it is gone', async () => {
      const before = await fill();
      assert.equal(before.length, 5);
      fs.rmSync(within('index.db'));
      await close(await temp.open());
      assert.deepEqual(indexRows(temp.dir), before);
    });

    it('is made again, equal, when its first page is damaged, or all of it, or it is unfinished', async () => {
      const before = await fill();
      for (const spoil of [
        () => fs.writeFileSync(within('index.db'), noise(1, 8192)),
        () => fs.truncateSync(within('index.db'), 0),
        () => fs.truncateSync(within('index.db'), 5000),
        () => {
          const db = new DatabaseSync(within('index.db'));
          db.exec('PRAGMA user_version = 0');
          db.close();
        },
      ]) {
        spoil();
        await close(await temp.open());
        assert.deepEqual(indexRows(temp.dir), before);
      }
    });

    it('is made again at the next opening when damage shows in use', async () => {
      const before = await fill();
      const file = within('index.db');
      const bytes = fs.readFileSync(file);
      // All pages but the first: the schema is readable, the tables are not.
      fs.writeFileSync(file, Buffer.concat([bytes.subarray(0, 4096), noise(2, bytes.length - 4096)]));
      let failed: unknown;
      try {
        const store = await openDiskBlobs(temp.dir);
        try {
          held(store, A, [1]);
        } catch (error) {
          failed = error;
        }
        await close(store);
      } catch (error) {
        failed = error;
      }
      if (failed) assert.ok(codeIs('integrity')(failed), String(failed));
      await close(await temp.open());
      assert.deepEqual(indexRows(temp.dir), before);
    });

    it('of an older version is made anew', async () => {
      const before = await fill();
      const old = new DatabaseSync(within('index.db'));
      old.exec('ALTER TABLE packs DROP COLUMN verified; PRAGMA user_version = 1');
      old.close();
      const store = await temp.open();
      assert.deepEqual(indexRows(temp.dir), before);
      assert.ok(store.packs().every(({ verified }) => verified === null));
      await close(store);
    });

    it('of a newer version is refused', async () => {
      await fill();
      const db = new DatabaseSync(within('index.db'));
      db.exec('PRAGMA user_version = 9');
      db.close();
      await assert.rejects(temp.open(), codeIs('format'));
    });

    it('can be thrown away while the store is open, and by another process meanwhile', async () => {
      const before = await fill();
      const [store, other] = [await temp.open(), await temp.open()];
      assert.deepEqual(await store.rebuildIndex(), { packs: 3, objects: 5 });
      assert.deepEqual(held(other, A, [1, 2, 3, 4]), [1, 1, 1, 1]);
      assert.deepEqual(indexRows(temp.dir), before);
    });

    it('deleted under an open store makes writers fail rather than write beside it', async () => {
      await fill();
      const store = await temp.open();
      fs.rmSync(within('index.db'));
      await assert.rejects(put(store, A, [77]), codeIs('integrity'));
      await close(store);
      assert.deepEqual(held(await temp.open(), A, [1, 2]), [1, 1]);
    });

    it('is waited for while another process has it to itself, as its last user does when it closes it', async () => {
      await (await temp.open())[Symbol.asyncDispose]();
      const db = new DatabaseSync(within('index.db'));
      db.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE; COMMIT');
      await assert.rejects(temp.open({ lockWaitMs: 50 }), codeIs('busy'));
      setTimeout(() => db.close(), 100);
      assert.deepEqual(held(await temp.open(), A, [1]), [0]);
    });

    it('waits for another process that writes, and gives up as busy', async () => {
      const store = await temp.open({ lockWaitMs: 50 });
      const db = new DatabaseSync(within('index.db'));
      db.exec('BEGIN IMMEDIATE');
      await assert.rejects(put(store, A, [1]), codeIs('busy'));
      const patient = await temp.open();
      const written = put(patient, A, [2]);
      setTimeout(() => {
        db.exec('COMMIT');
        db.close();
      }, 100);
      await written;
      assert.deepEqual(held(store, A, [1, 2]), [0, 1]);
    });
  });

  describe('beside gc', () => {
    const collect = (volset: string, ids: Buffer[]): void => {
      const db = new DatabaseSync(within('index.db'), { timeout: 2000 });
      db.exec("BEGIN IMMEDIATE; UPDATE meta SET value = value + 1 WHERE key = 'gc'");
      const remove = db.prepare('DELETE FROM objects WHERE id = ? AND volset = (SELECT n FROM volsets WHERE id = ?)');
      for (const id of ids) remove.run(id, volset);
      db.exec('COMMIT');
      db.close();
    };

    it('does not commit on data that was collected meanwhile', async () => {
      const store = await temp.open();
      await put(store, A, [1, 2]);
      await using writer = store.writer(A);
      for (const seed of [1, 2, 3]) writer.putObject(KIND.chunk, chunk(seed));
      collect(A, [idOf(2)]);
      let committed = false;
      const failure = await writer
        .finish(() => {
          committed = true;
        })
        .catch((error: unknown) => error);
      assert.ok(codeIs('busy')(failure));
      assert.deepEqual((failure as PlaitError).data?.missing, [`0:${hex(idOf(2))}`]);
      assert.equal(committed, false);
    });

    it('commits when all that it relied on is still there', async () => {
      const store = await temp.open();
      await put(store, A, [1, 2]);
      await using writer = store.writer(A);
      for (const seed of [1, 3]) writer.putObject(KIND.chunk, chunk(seed));
      collect(A, [idOf(2)]);
      await writer.finish();
      assert.deepEqual(held(store, A, [1, 2, 3]), [1, 0, 1]);
    });

    it('checks again thousands of ids that it took as present', async () => {
      const store = await temp.open();
      const bytes = Array.from({ length: 5000 }, (_, n) => Buffer.from(`object ${n}`));
      const all = async (after?: () => void): Promise<void> => {
        await using writer = store.writer(A);
        for (const object of bytes) writer.putObject(KIND.chunk, object);
        after?.();
        await writer.finish();
      };
      await all();
      await all(() => collect(A, []));
      await assert.rejects(
        all(() => collect(A, [objectHash(KIND.chunk, bytes[1])])),
        codeIs('busy'),
      );
    });
  });

  describe('damage', () => {
    it('is found, with what is lost, and read by nobody', async () => {
      const store = await temp.open();
      await put(store, A, [1, 2, 3]);
      damageFile(within(packFiles()[0]), 5000);
      for (const readData of [false, true]) {
        const [damage, ...more] = await damages(store, readData);
        assert.equal(more.length, 0);
        assert.equal(damage.lost.length, 3);
        assert.match(damage.what, /block at byte 32/);
      }
      assert.throws(() => store.reader(A).readObject(KIND.chunk, idOf(1)), codeIs('integrity'));
    });

    it('of one object, with its checksums right, is found only by reading the data', async () => {
      const store = await temp.open();
      const block = blockOf(KIND.chunk, [chunk(1), chunk(2)]);
      await using receiver = await store.receiver(A, 'x');
      await receiver.addBlock(block);
      receiver.need(KIND.chunk, Buffer.concat([idOf(1), idOf(2)]));
      receiver.accept();
      await receiver.publish();
      const old = packFiles()[0];
      // A pack made anew around other bytes, as a faulty writer would: its name and all checksums are right.
      const forged = Buffer.from(block);
      forged[forged.length - 1] ^= 1;
      forged.writeUInt32LE(blockCrc(forged), 20);
      const writer = new PackWriter(within('forged'), A);
      writer.append(forged);
      const { pack } = await writer.seal();
      fs.renameSync(within('forged'), within(`packs/${A}/${pack}.pack`));
      fs.rmSync(within(old));
      await store.rebuildIndex();
      assert.deepEqual(await damages(store, false), []);
      const [damage] = await damages(store, true);
      assert.deepEqual(
        damage.lost.map(({ id }) => hex(id)),
        [hex(idOf(2))],
      );
      assert.deepEqual(Buffer.from(store.reader(A).readObject(KIND.chunk, idOf(1))), chunk(1));
      assert.throws(() => store.reader(A).readObject(KIND.chunk, idOf(2)), codeIs('integrity'));
    });

    it('of a directory loses nothing that can be read block by block', async () => {
      const store = await temp.open();
      await put(store, A, [1, 2, 3]);
      damageFile(within(packFiles()[0]), -70);
      const [damage] = await damages(store, false);
      assert.deepEqual(damage.lost, []);
      await close(store);
      fs.rmSync(within('index.db'));
      const again = await temp.open();
      assert.deepEqual(Buffer.from(again.reader(A).readObject(KIND.chunk, idOf(2))), chunk(2));
    });

    it('that is a missing file loses all of it', async () => {
      const store = await temp.open();
      await put(store, A, [1, 2, 3]);
      fs.rmSync(within(packFiles()[0]));
      const [damage] = await damages(store, false);
      assert.equal(damage.lost.length, 3);
      assert.throws(() => store.reader(A).readObject(KIND.chunk, idOf(1)), codeIs('integrity'));
    });

    it('is looked for in a sample of the packs, at least one', async () => {
      const store = await temp.open();
      for (const seed of [1, 2, 3, 4]) await put(store, A, [seed]);
      const seen: number[] = [];
      const options = { readData: true, sample: 0.5, onProgress: ({ packs }: { packs: number }) => seen.push(packs) };
      let turn = 0;
      for await (const damage of store.verifyPacks({ ...options, random: () => (turn++ % 2 ? 0.9 : 0.1) }))
        assert.fail(damage.what);
      assert.deepEqual(seen, [1, 2]);
      for await (const damage of store.verifyPacks({ ...options, random: () => 0.99 })) assert.fail(damage.what);
      assert.deepEqual(seen, [1, 2, 1]);
    });
  });

  describe('log', () => {
    const texts = async (store: BlobStore): Promise<string[]> =>
      (await Array.fromAsync(store.scanObjects(KIND.generation, A))).map(({ bytes }) =>
        Buffer.from(bytes).toString('latin1', 0, 12),
      );

    it('loses a torn tail, and nothing else', async () => {
      const store = await temp.open();
      await store.appendLog(A, [Buffer.from('generation 1')]);
      await store.appendLog(A, [Buffer.from('generation 2')]);
      const file = within(`packs/${A}/log.open`);
      fs.truncateSync(file, fs.statSync(file).size - 3);
      await (await temp.open()).appendLog(A, [Buffer.from('generation 3')]);
      await store.appendLog(A, [Buffer.from('generation 4')]);
      assert.deepEqual(await texts(store), ['generation 1', 'generation 3', 'generation 4']);
    });

    it('becomes a pack when it is large, and begins anew', async () => {
      const store = await temp.open();
      for (let n = 0; n < 5; n++) await store.appendLog(A, [noise(n, 4_000_000)]);
      await store.appendLog(A, [Buffer.from('after that')]);
      assert.equal(packFiles().length, 1);
      assert.equal((await texts(store)).length, 6);
      assert.deepEqual(held(store, A, []), []);
      assert.equal(
        store.reader(A).readObject(KIND.generation, objectHash(KIND.generation, noise(0, 4_000_000))).length,
        4_000_000,
      );
      assert.deepEqual(await damages(store, true), []);
    });

    it('is created again after a crash before its first byte was synced', async () => {
      const store = await temp.open();
      fs.mkdirSync(within(`packs/${A}`));
      fs.writeFileSync(within(`packs/${A}/log.open`), 'PLT');
      await store.appendLog(A, [Buffer.from('generation 1')]);
      assert.deepEqual(await texts(store), ['generation 1']);
    });
  });

  it('sends a block as it lies in the pack when half of it is wanted, else only what is wanted', async () => {
    const store = await temp.open();
    const seeds = [1, 2, 3, 4, 5, 6];
    await put(store, A, seeds);
    const sent = async (wanted: number[]): Promise<Uint8Array[]> =>
      Array.fromAsync(store.reader(A).blocks(wanted.map((seed) => ({ kind: KIND.chunk, id: idOf(seed) }))));
    const whole = blockOf(KIND.chunk, seeds.map(chunk));
    assert.deepEqual(
      (await sent([1, 3, 5])).map((block) => whole.equals(block)),
      [true],
    );
    assert.deepEqual(
      (await sent([5, 2])).map((block) => blockOf(KIND.chunk, [5, 2].map(chunk)).equals(block)),
      [true],
    );
  });

  it('seals packs at 32 MiB, before the session ends', async () => {
    const store = await temp.open();
    await using writer = store.writer(A);
    for (let n = 0; n < 160; n++) writer.putObject(KIND.chunk, noise(n, 250_000));
    const stats = await writer.finish();
    assert.equal(stats.newChunks, 160);
    const sizes = store.packs(A).map(({ bytes }) => bytes);
    assert.equal(sizes.length, 2);
    assert.ok(sizes[0] >= 32 * 1024 * 1024 && sizes[0] < 36 * 1024 * 1024);
    assert.equal(sizes[0] + sizes[1], stats.storedBytes);
  });
});
