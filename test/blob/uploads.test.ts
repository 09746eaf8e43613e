/** Uploads on disk: what is left after a kill at any moment, a torn or damaged file, a full disk. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { zstdCompressSync } from 'node:zlib';
import type { BlobReceiver, BlobStore } from '../../src/blob/contract.ts';
import { openDiskBlobs } from '../../src/blob/index.ts';
import { PlaitError } from '../../src/core/errors.ts';
import { hex, KIND, objectHash } from '../../src/core/hash.ts';
import type { VolsetId } from '../../src/core/ids.ts';
import { blockOf } from '../conformance/block-of.ts';
import { FIXED_SEED, Random, replayedSeed } from '../support/seed.ts';
import { noise } from './noise.ts';
import { TempStore } from './temp-store.ts';

const A = 'a'.repeat(32) as VolsetId;
const WRITER = fileURLToPath(new URL('./fixture-writer.ts', import.meta.url));
const codeIs = (code: string) => (error: unknown) => error instanceof PlaitError && error.code === code;
const chunk = (seed: number): Buffer => noise(seed, 20_000);
const ids = (seeds: number[]): Buffer => Buffer.concat(seeds.map((seed) => objectHash(KIND.chunk, chunk(seed))));
const block = (...seeds: number[]): Buffer => blockOf(KIND.chunk, seeds.map(chunk));
const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, n) => from + n);

/** Those of the seeds that are here. */
const heldOf = (receiver: BlobReceiver, seeds: number[]): number[] => {
  const held = receiver.has(KIND.chunk, ids(seeds));
  return seeds.filter((_, n) => held[n] === 1);
};

async function publish(receiver: BlobReceiver, seeds: number[]): Promise<number> {
  assert.ok(!receiver.need(KIND.chunk, ids(seeds)).includes(0));
  receiver.accept();
  return (await receiver.publish()).newChunks;
}

/** From the n-th write of data on, the kernel's answer for a full disk. */
async function onFullDisk(writes: number, work: () => Promise<void>): Promise<void> {
  const { writeSync } = fs;
  let left = writes;
  fs.writeSync = ((fd: number, ...rest: [Uint8Array]) => {
    if (fd <= 2 || left-- > 0) return writeSync(fd, ...rest);
    throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC', syscall: 'write' });
  }) as typeof fs.writeSync;
  syncBuiltinESMExports();
  try {
    await work();
  } finally {
    fs.writeSync = writeSync;
    syncBuiltinESMExports();
  }
}

describe('uploads on disk', () => {
  let temp: TempStore;
  let store: BlobStore;
  beforeEach(async () => {
    temp = new TempStore();
    store = await temp.open();
  });
  afterEach(() => temp[Symbol.asyncDispose]());

  const within = (name: string): string => path.join(temp.dir, name);
  const quarantine = (): string[] => temp.files('quarantine').filter((name) => !/\.lock(-journal)?$/.test(name));
  const parts = (): string[] => quarantine().filter((name) => name.endsWith('.part'));

  describe('of a process that is killed', () => {
    /** Kills a receiving process once it has told that so many blocks are durable, or is in the midst of a commit. */
    async function killed(synced: number, mode = 'upload-synced'): Promise<number> {
      const child = spawn(process.execPath, [WRITER, temp.dir, '400', '0', mode], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let told = 0;
      let rest = '';
      for await (const piece of child.stdout) {
        const lines = (rest + String(piece)).split('\n');
        rest = lines.pop() ?? '';
        told = Number(lines.at(-1) ?? told);
        if (told >= synced) break;
      }
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      return told;
    }

    for (const synced of [1, 40, 170, 333]) {
      it(`hold all that was durable after ${synced} blocks, and only whole blocks`, async () => {
        const told = await killed(synced);
        await using receiver = await store.receiver(A, 'cut-upload');
        const held = heldOf(receiver, range(0, 400));
        assert.ok(held.length >= told, `${held.length} of ${told}`);
        assert.deepEqual(held, range(0, held.length), 'blocks were written in order');
        assert.equal([...receiver.heldIds(KIND.chunk)].length, held.length);
        await receiver.addBlock(block(400));
        assert.equal(await publish(receiver, [...held, 400]), held.length + 1);
        for (const seed of [0, held.length - 1, 400])
          assert.deepEqual(Buffer.from(store.reader(A).readObject(KIND.chunk, ids([seed]))), chunk(seed));
      });
    }

    it('in the midst of a commit keep what nothing needed yet', async () => {
      await killed(30, 'upload-commit');
      await using receiver = await store.receiver(A, 'cut-upload');
      assert.deepEqual(heldOf(receiver, range(0, 30)), range(0, 30));
      assert.deepEqual([...store.reader(A).has(KIND.chunk, ids([0, 1, 2]))], [1, 0, 1]);
      assert.equal([...receiver.heldIds(KIND.chunk)].length, 15);
      assert.equal(await publish(receiver, range(0, 30)), 15);
    });
  });

  describe('with files that are not whole', () => {
    const upload = async (): Promise<string> => {
      const receiver = await store.receiver(A, 'up');
      for (const seed of range(0, 10)) await receiver.addBlock(block(seed));
      await receiver.suspend();
      return within(parts()[0]);
    };
    const size = 24 + 36 + 20_000;
    const cases: [string, number, (file: string) => void][] = [
      ['nothing wrong', 10, () => {}],
      ['half a block at the end', 10, (file) => fs.appendFileSync(file, block(50).subarray(0, 9000))],
      ['half a header at the end', 10, (file) => fs.appendFileSync(file, block(50).subarray(0, 11))],
      ['zeros at the end', 10, (file) => fs.appendFileSync(file, Buffer.alloc(100_000))],
      ['generations at the end', 10, (file) => fs.appendFileSync(file, blockOf(KIND.generation, [Buffer.from('{}')]))],
      ['a torn last block', 9, (file) => fs.truncateSync(file, 32 + 10 * size - 1)],
      ['a byte changed in the middle', 4, (file) => flip(file, 32 + 4 * size + 5000)],
      ['a header changed in the middle', 7, (file) => flip(file, 32 + 7 * size + 12)],
      ['an id changed', 3, (file) => flip(file, 32 + 3 * size + 30)],
      ['its first byte changed', 0, (file) => flip(file, 0)],
      ['the header of another volset', 0, (file) => flip(file, 20)],
      ['half of its header', 0, (file) => fs.truncateSync(file, 15)],
      ['no byte', 0, (file) => fs.truncateSync(file, 0)],
    ];
    for (const [what, whole, spoil] of cases) {
      it(`${what}: go on after the last whole block`, async () => {
        const file = await upload();
        const { ino } = fs.statSync(file);
        spoil(file);
        const receiver = await store.receiver(A, 'up');
        assert.deepEqual(heldOf(receiver, range(0, 10)), range(0, whole));
        if (whole > 0) {
          assert.equal(fs.statSync(file).ino, ino, 'the same file');
          assert.equal(fs.statSync(file).size, 32 + whole * size, 'nothing behind its blocks');
        }
        for (const seed of range(0, 12)) await receiver.addBlock(block(seed));
        await receiver.suspend();
        await using again = await store.receiver(A, 'up');
        assert.deepEqual(heldOf(again, range(0, 13)), range(0, 12));
        assert.equal(await publish(again, range(0, 12)), 12);
        for await (const damage of store.verifyPacks({ readData: true })) assert.fail(damage.what);
      });
    }

    it('a name in their folder that nobody gave: is removed, and never followed', async () => {
      await upload();
      const outside = path.join(temp.dir, 'outside');
      fs.mkdirSync(outside);
      fs.writeFileSync(path.join(outside, 'x'), 'keep me');
      fs.symlinkSync(outside, within('quarantine/up/link'));
      fs.writeFileSync(within('quarantine/up/7.part.old'), 'x');
      await using receiver = await store.receiver(A, 'up');
      assert.deepEqual(heldOf(receiver, range(0, 10)), range(0, 10));
      assert.equal(fs.readFileSync(path.join(outside, 'x'), 'utf8'), 'keep me');
      assert.deepEqual(quarantine(), ['quarantine/up/0.part', 'quarantine/up/owner.json']);
    });

    it('no word of whose it is: nothing was ever acknowledged, and it begins anew', async () => {
      for (const text of [undefined, '', '{"volset":', '[]', 'null', '{"volset":1,"owner":2}', ' '.repeat(9000)]) {
        await upload();
        fs.rmSync(within('quarantine/up/owner.json'));
        if (text !== undefined) fs.writeFileSync(within('quarantine/up/owner.json'), text);
        await using receiver = await store.receiver(A, 'up', 'another');
        assert.deepEqual(heldOf(receiver, range(0, 10)), []);
      }
    });
  });

  it('keep several packs as they are, sealed or not, and store no byte twice', async () => {
    const big = (seed: number): Buffer =>
      blockOf(
        KIND.chunk,
        [1, 2, 3, 4].map((n) => noise(seed * 4 + n, 250_000)),
      );
    const receiver = await store.receiver(A, 'up');
    for (const seed of range(0, 80)) await receiver.addBlock(big(seed));
    await receiver.suspend();
    const before = parts().map((name) => [name, fs.statSync(within(name)).ino]);
    const { bytes } = { bytes: store.quarantineBytes() };
    assert.ok(before.length === 3 && bytes > 80_000_000 && bytes < 81_000_000);
    const [moved] = parts();
    await using again = await store.receiver(A, 'up');
    assert.deepEqual(
      parts().map((name) => [name, fs.statSync(within(name)).ino]),
      before,
    );
    assert.ok(Math.abs(store.quarantineBytes() - bytes) < 200_000 && again.bytes <= bytes);
    assert.equal([...again.heldIds(KIND.chunk)].length, 320);
    again.need(KIND.chunk, objectHash(KIND.chunk, noise(1, 250_000)));
    again.accept();
    await again.publish();
    assert.ok(!parts().includes(moved) && parts().length === 2, 'what nothing needs stays');
  });

  it('are private', async () => {
    await using receiver = await store.receiver(A, 'up', 'me');
    await receiver.addBlock(block(1));
    for (const name of quarantine()) assert.equal(fs.statSync(within(name)).mode & 0o777, 0o600, name);
    assert.equal(fs.statSync(within('quarantine/up')).mode & 0o777, 0o700);
  });

  it('have everything in their folder once they are synced, whatever arrives meanwhile', async () => {
    await using receiver = await store.receiver(A, 'up');
    const base = chunk(1000);
    const target = Buffer.concat([base, Buffer.from('more')]);
    await receiver.addBlock(block(1000));
    const work: Promise<unknown>[] = [];
    for (const seed of range(0, 40)) {
      await receiver.addBlock(block(seed));
      if (seed % 8 !== 3) continue;
      const delta = {
        kind: KIND.chunk,
        targets: [{ id: objectHash(KIND.chunk, target), length: target.length }],
        base: [{ kind: KIND.chunk, id: ids([1000]), start: 0, length: base.length }],
        frame: zstdCompressSync(target, { dictionary: base, pledgedSrcSize: target.length }),
      };
      assert.deepEqual(await receiver.addDelta(delta), []);
      const synced = receiver.sync().then(async () => {
        await using copy = new TempStore();
        fs.cpSync(within('quarantine'), path.join(copy.dir, 'quarantine'), {
          recursive: true,
          filter: (name) => !/\.(lock(-journal)?|db)$/.test(name),
        });
        await using there = await (await copy.open()).receiver(A, 'up');
        assert.deepEqual(heldOf(there, range(0, seed + 1)), range(0, seed + 1));
        assert.equal(there.has(KIND.chunk, objectHash(KIND.chunk, target))[0], 1);
      });
      work.push(synced);
    }
    await Promise.all(work);
  });

  it('forget nothing when publishing fails half-way, and publish it later', async () => {
    const impatient = await temp.open({ lockWaitMs: 30 });
    const receiver = await impatient.receiver(A, 'up');
    await receiver.addBlock(block(1, 2));
    const other = new DatabaseSync(within('index.db'));
    other.exec('BEGIN IMMEDIATE');
    receiver.need(KIND.chunk, ids([1]));
    receiver.accept();
    await assert.rejects(receiver.publish(), codeIs('busy'));
    assert.deepEqual(parts(), ['quarantine/up/0.part'], 'marked, neither moved nor recorded');
    await receiver.suspend();
    // As a crash between the move and the commit of its rows leaves it.
    const pack = /0-(.*)\.moved/.exec(fs.readdirSync(within('quarantine/up')).join())?.[1];
    fs.mkdirSync(within(`packs/${A}`), { recursive: true });
    fs.renameSync(within('quarantine/up/0.part'), within(`packs/${A}/${pack}.pack`));
    const again = await impatient.receiver(A, 'up');
    assert.deepEqual(heldOf(again, [1, 2]), [1, 2]);
    again.need(KIND.chunk, ids([1]));
    again.accept();
    await assert.rejects(again.publish(), codeIs('busy'));
    other.exec('COMMIT');
    other.close();
    assert.equal((await again.publish()).newChunks, 1);
    assert.equal(await publish(again, [1, 2]), 2);
    await again[Symbol.asyncDispose]();
  });

  it('end with no-space on a full disk, and go on where they were when there is room', async () => {
    for (const writes of [0, 1, 2, 3, 5]) {
      const id = `up-${writes}`;
      const kept: number[] = [];
      const receiver = await store.receiver(A, id);
      await onFullDisk(writes, async () => {
        for (const seed of range(0, 6)) {
          const added = receiver.addBlock(block(seed));
          await added.then(
            () => kept.push(seed),
            (error: unknown) => assert.ok(codeIs('no-space')(error), String(error)),
          );
        }
        assert.ok(kept.length < 6);
        receiver.need(KIND.chunk, ids(kept));
        receiver.accept();
        if (kept.length > 0) await assert.rejects(receiver.publish(), codeIs('no-space'));
        await receiver.suspend();
      });
      await using again = await store.receiver(A, id);
      assert.deepEqual(
        heldOf(again, range(0, 6)),
        range(0, 6).filter((seed) => kept.includes(seed)),
      );
      for (const seed of range(0, 6)) await again.addBlock(block(seed));
      assert.equal([...again.need(KIND.chunk, ids(range(0, 6)))].includes(0), false);
    }
  });

  it('that could not be begun for want of room leave nothing behind', async () => {
    const before = await store.receiver(A, 'before');
    await before.addBlock(block(1));
    await before.suspend();
    await onFullDisk(0, async () => {
      await assert.rejects(store.receiver(A, 'up'), codeIs('no-space'));
    });
    assert.deepEqual(
      fs.readdirSync(path.join(temp.dir, 'quarantine')).filter((name) => name.startsWith('up')),
      [],
    );
    assert.deepEqual(store.unfinished(A, ''), ['before']);
    await using again = await store.receiver(A, 'up');
    await again.addBlock(block(1));
    assert.equal(await publish(again, [1]), 1);
  });

  it('can be published by the same receiver once there is room again', async () => {
    await using receiver = await store.receiver(A, 'up');
    await receiver.addBlock(block(1));
    receiver.need(KIND.chunk, ids([1]));
    receiver.accept();
    await onFullDisk(0, async () => {
      await assert.rejects(receiver.addBlock(block(2)), codeIs('no-space'));
      await assert.rejects(receiver.publish(), codeIs('no-space'));
      await receiver.sync();
    });
    assert.equal((await receiver.publish()).newChunks, 1);
    await receiver.addBlock(block(2));
    assert.equal(await publish(receiver, [1, 2]), 2);
  });

  it('are cleaned away when nobody took them up for long, however they came', async () => {
    let now = Date.now();
    const keeping = await temp.open({ now: () => now, keepQuarantineMs: 1000 });
    await (await keeping.receiver(A, 'old')).suspend();
    await using living = await keeping.receiver(A, 'living');
    await living.addBlock(block(1));
    assert.equal(keeping.cleanQuarantine(), 0);
    now += 100_000;
    assert.equal(keeping.cleanQuarantine(), 1);
    assert.deepEqual(keeping.unfinished(A, ''), []);
    await living.addBlock(block(2));
    assert.equal(await publish(living, [1, 2]), 2);
  });

  it('hold what they must after any sequence of steps, suspensions and kills', async () => {
    const seed = replayedSeed ?? FIXED_SEED;
    for (let run = 0; run < 5; run++) await schedule(new Random(seed + run), `seed ${seed} run ${run}`);
  });
});

const SEEDS = 24;

/** A kill is a copy of the store as it lies on the disk at that moment. */
async function schedule(random: Random, label: string): Promise<void> {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'plait-uploads-'));
  const opened: BlobStore[] = [];
  let generation = 0;
  const open = async (): Promise<BlobStore> => {
    const next = await openDiskBlobs(path.join(root, `${generation}`), { workers: 1 });
    opened.push(next);
    return next;
  };
  try {
    let store = await open();
    let receiver = await store.receiver(A, 'up', 'me');
    const held = new Set<number>();
    const published = new Set<number>();
    const steps: string[] = [];
    let counted = 0;
    const some = (): number[] => range(0, SEEDS).filter(() => random.chance(0.15));
    for (let step = 0; step < 25; step++) {
      const action = random.pick([
        'add',
        'add',
        'add',
        'sync',
        'suspend',
        'kill',
        'publish',
        'publish',
        'drop',
        'together',
      ]);
      steps.push(action);
      if (action === 'add' || action === 'together') {
        const blocks = range(0, action === 'add' ? 1 : 4)
          .map(() => some())
          .filter((seeds) => seeds.length > 0);
        const work: Promise<unknown>[] = blocks.map((seeds) => receiver.addBlock(block(...seeds)));
        if (action === 'together') work.push(receiver.sync(), receiver.publish(), receiver.sync());
        await Promise.all(work);
        for (const one of blocks.flat()) held.add(one);
      } else if (action === 'sync') await receiver.sync();
      else if (action === 'suspend') {
        await receiver.suspend();
        receiver = await store.receiver(A, 'up', 'me');
        counted = 0;
      } else if (action === 'kill') {
        fs.cpSync(path.join(root, `${generation}`), path.join(root, `${generation + 1}`), { recursive: true });
        generation++;
        store = await open();
        receiver = await store.receiver(A, 'up', 'me');
        counted = 0;
      } else if (action === 'publish') {
        const wanted = some().filter((one) => held.has(one));
        const news = wanted.filter((one) => !published.has(one));
        if (wanted.length > 0) counted += news.length;
        for (const one of wanted) published.add(one);
        if (wanted.length > 0) assert.equal(await publish(receiver, wanted), counted, `${label}: ${steps.join(' ')}`);
      } else if (random.chance(0.2)) {
        await receiver[Symbol.asyncDispose]();
        receiver = await store.receiver(A, 'up', 'me');
        counted = 0;
        held.clear();
        for (const one of published) held.add(one);
      }
      const all = range(0, SEEDS);
      const say = `${label}: ${steps.join(' ')}`;
      assert.deepEqual(
        heldOf(receiver, all),
        all.filter((one) => held.has(one)),
        say,
      );
      const visible = store.reader(A).has(KIND.chunk, ids(all));
      assert.deepEqual(
        all.filter((one) => visible[one] === 1),
        all.filter((one) => published.has(one)),
        say,
      );
      const rest = new Set([...receiver.heldIds(KIND.chunk)].map(hex));
      for (const one of all) {
        const here = rest.has(hex(ids([one])));
        if (held.has(one) && !published.has(one)) assert.ok(here, say);
        if (!held.has(one)) assert.ok(!here, say);
      }
    }
  } finally {
    for (const store of opened) await store[Symbol.asyncDispose]();
    fs.rmSync(root, { recursive: true, force: true });
  }
}

function flip(file: string, at: number): void {
  const bytes = fs.readFileSync(file);
  bytes[at] ^= 0xff;
  fs.writeFileSync(file, bytes);
}
