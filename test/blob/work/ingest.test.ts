import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { CHUNK, cuts } from '../../../src/blob/chunker.ts';
import { InlineRunner } from '../../../src/blob/work/inline.ts';
import { BIG_FILE } from '../../../src/blob/work/limits.ts';
import type { FileSource, StoredFile } from '../../../src/core/files.ts';
import { hex, KIND, objectHash } from '../../../src/core/hash.ts';
import { noise } from '../noise.ts';
import { Rig } from './rig.ts';

const statuses = (results: StoredFile[]): string[] => results.map((file) => file.status);

/** Chunks of a stored file as text, for comparing. */
function chunksOf(rig: Rig, file: StoredFile): string[] {
  if (file.status !== 'stored') throw new Error(file.status);
  return [...rig.extents(file.content)].map(({ length, id }) => `${length} ${id ? hex(id) : 'hole'}`);
}

function expectedChunks(bytes: Buffer): string[] {
  let start = 0;
  return cuts(bytes).map((end) => {
    const chunk = bytes.subarray(start, end);
    start = end;
    return `${chunk.length} ${hex(objectHash(KIND.chunk, chunk))}`;
  });
}

describe('blob/work ingest', () => {
  it('stores files on several workers and answers in the order of the input', async () => {
    await using rig = new Rig();
    const names: string[] = [];
    for (let n = 0; n < 700; n++) {
      const name = `d${n % 7}/f${n}`;
      rig.write(name, noise(n, (n * 977) % 40_000));
      names.push(name);
    }
    const results = await rig.ingestAll(names);
    assert.deepEqual(
      results.map((file) => file.path),
      names.map((name) => name.replace('/', '\0')),
    );
    for (let n = 0; n < names.length; n++) {
      assert.deepEqual(chunksOf(rig, results[n]), expectedChunks(noise(n, (n * 977) % 40_000)), names[n]);
    }
    assert.equal(rig.stored.size, rig.claimed, 'every claimed chunk was stored');
    assert.ok([...rig.stored.values()].every((times) => times === 1));
  });

  it('stores equal chunks once, and nothing for empty files', async () => {
    await using rig = new Rig();
    for (const name of ['a', 'b', 'c']) rig.write(name, 'the same');
    rig.write('empty', '');
    const results = await rig.ingestAll(['a', 'b', 'c', 'empty']);
    assert.deepEqual(statuses(results), ['stored', 'stored', 'stored', 'stored']);
    assert.deepEqual([...rig.stored.values()], [1]);
    assert.deepEqual(chunksOf(rig, results[3]), []);
  });

  it('cuts a big file on two workers as one would, beside small ones', async () => {
    await using rig = new Rig();
    const big = Buffer.concat([noise(9, BIG_FILE + 1_000_003), Buffer.alloc(3 * CHUNK.max + 17), noise(10, 700_000)]);
    rig.write('a', 'before');
    rig.write('big', big);
    rig.write('c', 'after');
    const results = await rig.ingestAll(['a', 'big', 'c']);
    const expected = expectedChunks(big).map((chunk) => (chunk.endsWith(ZERO_CHUNK) ? 'hole' : chunk));
    const found = chunksOf(rig, results[1]).map((chunk) => (chunk.endsWith('hole') ? 'hole' : chunk));
    // Neighbouring holes are one extent.
    assert.deepEqual(
      found,
      expected.filter((chunk, n) => chunk !== 'hole' || expected[n - 1] !== 'hole'),
    );
    assert.ok(found.includes('hole'));
    assert.deepEqual(statuses(results), ['stored', 'stored', 'stored']);
  });

  it('keeps a sparse file of 300 MiB as a hole and its few bytes', async () => {
    await using rig = new Rig();
    const size = 300 << 20;
    rig.write('sparse', '');
    const fd = fs.openSync(path.join(rig.from, 'sparse'), 'r+');
    fs.ftruncateSync(fd, size);
    fs.writeSync(fd, 'bytes', 200 << 20);
    fs.closeSync(fd);
    const [file] = await rig.ingestAll(['sparse']);
    const chunks = chunksOf(rig, file);
    assert.ok(chunks.length <= 4, `${chunks.length} extents`);
    assert.ok(rig.stored.size <= 2);
    const [written] = await Array.fromAsync(rig.extract([rig.target(file)]));
    assert.equal(written.status, 'written');
    const stat = fs.statSync(path.join(rig.to, 'sparse'));
    assert.equal(stat.size, size);
    assert.ok(stat.blocks * 512 < 2 << 20, `${stat.blocks} blocks`);
    assert.equal(rig.read('sparse').toString('latin1', 200 << 20, (200 << 20) + 6), 'bytes\0');
  });

  it('gives up on files that vanished, are links or are no files by now, and goes on', async () => {
    await using rig = new Rig();
    for (const name of ['gone', 'link', 'dir', 'grown', 'fine']) rig.write(name, `content of ${name}`);
    const sources = ['gone', 'link', 'dir', 'grown', 'fine'].map((name) => rig.source(name));
    for (const name of ['gone', 'link', 'dir']) fs.rmSync(path.join(rig.from, name));
    fs.symlinkSync('fine', path.join(rig.from, 'link'));
    fs.mkdirSync(path.join(rig.from, 'dir'));
    fs.appendFileSync(path.join(rig.from, 'grown'), ' and more');
    const results = await Array.fromAsync(rig.ingest(sources));
    assert.deepEqual(statuses(results), ['vanished', 'changed', 'changed', 'stored', 'stored']);
    const grown = results[3] as Extract<StoredFile, { status: 'stored' }>;
    assert.equal(grown.stat.size, 'content of grown and more'.length);
    assert.deepEqual(chunksOf(rig, grown), expectedChunks(Buffer.from('content of grown and more')));
  });

  it('reads a small file that has become a big one as a big one', async () => {
    await using rig = new Rig();
    rig.write('log', 'short');
    const source = rig.source('log');
    const bytes = noise(4, BIG_FILE + 5);
    rig.write('log', bytes);
    const [file] = await Array.fromAsync(rig.ingest([source]));
    assert.deepEqual(chunksOf(rig, file), expectedChunks(bytes));
  });

  it('reports files that may not be read, with the errno', async () => {
    await using rig = new Rig(new InlineRunner());
    rig.write('secret', 'x');
    rig.write('open', 'y');
    fs.chmodSync(path.join(rig.from, 'secret'), 0o000);
    fs.chmodSync(rig.dir, 0o755);
    const sources = [rig.source('open'), rig.source('secret')];
    // No mode stops root: read as somebody else.
    const root = process.geteuid?.() === 0;
    if (root) process.seteuid?.(65534);
    let results: StoredFile[];
    try {
      results = await Array.fromAsync(rig.ingest(sources));
    } finally {
      if (root) process.seteuid?.(0);
    }
    assert.deepEqual(statuses(results), ['stored', 'unreadable']);
    assert.equal((results[1] as { errno?: string }).errno, 'EACCES');
  });

  it('asks and tells the sink nothing in a dry run, with the same contents', async () => {
    await using rig = new Rig();
    const bytes = noise(5, 3 << 20);
    rig.write('f', bytes);
    const [file] = await rig.ingestAll(['f'], { dryRun: true });
    assert.deepEqual(chunksOf(rig, file), expectedChunks(bytes));
    assert.deepEqual([rig.claimed, rig.blocks], [0, 0]);
  });

  it('stops at the signal with `interrupted`', async () => {
    await using rig = new Rig();
    for (let n = 0; n < 40; n++) rig.write(`f${n}`, noise(n, 1 << 20));
    const controller = new AbortController();
    const sources = Array.from({ length: 40 }, (_, n) => rig.source(`f${n}`));
    let seen = 0;
    await assert.rejects(
      async () => {
        for await (const _ of rig.ingest(sources, { signal: controller.signal })) if (++seen === 3) controller.abort();
      },
      { code: 'interrupted' },
    );
    assert.ok(seen < 40);
    // The workers are free for others.
    assert.deepEqual(statuses(await rig.ingestAll(['f39', 'f0'])), ['stored', 'stored']);
  });

  it('stores what it claimed when the consumer stops early, and reads only so far ahead', async () => {
    await using rig = new Rig();
    const count = 3000;
    rig.write('f', noise(1, 100_000));
    const source = rig.source('f');
    let asked = 0;
    function* files(): Generator<FileSource> {
      for (; asked < count; asked++) yield source;
    }
    for await (const _ of rig.ingest(files())) break;
    assert.ok(asked < count, 'the rest of the input was never asked for');
    assert.equal(rig.stored.size, rig.claimed);
  });
});

const ZERO_CHUNK = hex(objectHash(KIND.chunk, Buffer.alloc(CHUNK.max)));
