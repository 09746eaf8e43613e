import assert from 'node:assert/strict';
import fc from 'fast-check';
import { openBlock } from '../../src/blob/block.ts';
import type { BlobReader, BlobStore } from '../../src/blob/contract.ts';
import { manifest } from '../../src/blob/manifest/index.ts';
import { openMemoryBlobs } from '../../src/blob/memory-engine.ts';
import { MAX_DELTA_BASE, MAX_DELTA_RAW } from '../../src/core/delta-limits.ts';
import type { Entry } from '../../src/core/entry.ts';
import { hex, KIND, snapshotId } from '../../src/core/hash.ts';
import type { NodeId, SnapshotId } from '../../src/core/ids.ts';
import type { PathKey } from '../../src/core/paths.ts';
import { encodeSnapshotBody } from '../../src/core/snapshot-body.ts';
import { type ChunkDelta, decodeDeltas } from '../../src/transfer/delta-format.ts';
import { resolveDeltas } from '../../src/transfer/delta-resolve.ts';
import type { DiffEntry } from '../../src/transfer/diff-format.ts';
import { PART_RAW } from '../../src/transfer/parts.ts';
import { Seen } from '../../src/transfer/select.ts';
import { type Outgoing, type SendOptions, sendEntries } from '../../src/transfer/send.ts';
import { MAX_PART_TARGETS } from '../../src/wire/limits.ts';
import { noise } from '../blob/noise.ts';
import { Random, seeded } from '../support/seed.ts';
import { bodyOf } from './support/history.ts';
import { VOLSET } from './support/stores.ts';

type Files = Record<string, Uint8Array>;

/** Every release has mtimes of its own. */
async function store(blob: BlobStore, files: Files, release = 1n): Promise<NodeId> {
  await using writer = blob.writer(VOLSET);
  const entries = Object.keys(files)
    .sort()
    .map((name): Entry => {
      const content = writer.putBytes(files[name]);
      return { path: name as PathKey, kind: 'file', mode: 0o644, mtime: release, size: files[name].length, content };
    });
  const root = manifest.build(writer, entries);
  await writer.finish();
  return root;
}

function outgoing(root: NodeId, base: NodeId | null): Outgoing {
  const body = bodyOf({ root });
  const id = snapshotId(encodeSnapshotBody(body));
  return { id, body, base: base === null ? null : { id: 'b'.repeat(64) as SnapshotId, root: base } };
}

const entriesOf = (blob: BlobStore, items: Outgoing[], more: Partial<SendOptions> = {}): Promise<DiffEntry[]> =>
  Array.fromAsync(sendEntries({ reader: blob.reader(VOLSET), manifest, ...more }, items));

const sizeOf = (entries: DiffEntry[]): number =>
  entries.reduce((sum, item) => sum + (item.entry === 'snapshot' ? 0 : item.bytes.length), 0);

/** Ids of a kind that come in blocks. */
const inBlocks = (entries: DiffEntry[], kind: number): string[] =>
  entries.flatMap((item) => {
    if (item.entry !== 'block') return [];
    const block = openBlock(item.bytes);
    if (block.kind !== kind) return [];
    return Array.from({ length: block.count }, (_, n) => hex(block.table.subarray(n * 36 + 4, n * 36 + 36)));
  });

/** What a receiver that holds `files` has after these entries came, in their order. */
async function receive(files: Files[], entries: DiffEntry[]): Promise<{ blob: BlobStore; lacking: number }> {
  const blob = openMemoryBlobs();
  for (const held of files) await store(blob, held);
  await using receiver = await blob.receiver(VOLSET, 'u');
  let lacking = 0;
  for (const item of entries) {
    if (item.entry === 'block') await receiver.addBlock(Uint8Array.from(item.bytes));
    if (item.entry !== 'delta') continue;
    for (const resolved of resolveDeltas(decodeDeltas(item.bytes), { manifest, nodes: receiver.nodes })) {
      if ('unknown' in resolved) assert.fail('nodes of the new tree come first');
      else if ('lacking' in resolved) lacking += resolved.lacking.length;
      else lacking += (await receiver.addDelta(resolved.delta)).length;
    }
  }
  for (const item of entries) {
    if (item.entry !== 'snapshot') continue;
    const { root } = JSON.parse(Buffer.from(item.bytes).toString()) as { root: NodeId };
    for (const { kind, id } of manifest.reachable(receiver.nodes, root)) receiver.need(kind, id);
  }
  receiver.accept();
  await receiver.publish();
  return { blob, lacking };
}

/** All of the tree is there, with the right bytes. */
function assertFiles(reader: BlobReader, root: NodeId, files: Files): void {
  manifest.check(reader, root);
  const read = [...manifest.entries(reader, root)];
  assert.deepEqual(
    read.map(({ path }) => path),
    Object.keys(files).sort(),
  );
  for (const { path, content } of read) {
    assert.ok(content && Buffer.concat([...reader.readFile(content)]).equals(files[path]), `bytes of ${path}`);
  }
}

const text = (seed: number, lines: number): Buffer =>
  Buffer.from(
    Array.from(
      { length: lines },
      (_, n) => `line ${n} of ${seed}: ${noise(seed * 1000 + n, 20).toString('hex')}\n`,
    ).join(''),
  );

/** Bytes replaced, inserted or removed at some places. */
function edited(bytes: Buffer, random: Random, edits: number): Buffer {
  let out = bytes;
  for (let n = 0; n < edits; n++) {
    const at = random.below(out.length + 1);
    const gone = random.pick([0, 1, 30, 5000]);
    const put = noise(random.below(1 << 20), random.pick([0, 1, 40, 90_000]));
    out = Buffer.concat([out.subarray(0, at), put, out.subarray(at + gone)]);
  }
  return out;
}

describe('transfer: deltas of what changed', () => {
  it('gives every byte back, whatever was changed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(1 << 30), async (seed) => {
        const random = new Random(seed);
        const old: Files = {};
        const now: Files = {};
        for (let n = 0; n < 12; n++) {
          const name = `${random.pick(['a', 'b-c', 'd'])}${n}`;
          const bytes = random.chance(0.5) ? text(n, random.below(3000)) : noise(n + seed, random.below(700_000));
          if (random.chance(0.9)) old[name] = bytes;
          if (random.chance(0.9)) now[name] = edited(bytes, random, random.below(4));
        }
        const sender = openMemoryBlobs();
        const base = await store(sender, old);
        const root = await store(sender, now, 2n);
        const entries = await entriesOf(sender, [outgoing(root, base)]);
        const { blob, lacking } = await receive([old], entries);
        assert.equal(lacking, 0);
        assertFiles(blob.reader(VOLSET), root, now);
      }),
      seeded(12),
    );
  });

  it('one line in each of 200 files costs little more than the lines', async () => {
    const sender = openMemoryBlobs();
    const old: Files = {};
    const now: Files = {};
    for (let n = 0; n < 200; n++) {
      const bytes = text(n, 800);
      old[`file${n}`] = bytes;
      now[`file${n}`] = Buffer.concat([
        bytes.subarray(0, 20_000),
        Buffer.from(`changed in ${n}\n`),
        bytes.subarray(20_000),
      ]);
    }
    const base = await store(sender, old);
    const root = await store(sender, now, 2n);
    const entries = await entriesOf(sender, [outgoing(root, base)]);
    assert.ok(sizeOf(entries) < 200 * 150, `${sizeOf(entries)} bytes`);
    const whole = await entriesOf(sender, [outgoing(root, base)], { deltas: false });
    assert.ok(!whole.some(({ entry }) => entry === 'delta'));
    assert.ok(sizeOf(whole) > 200 * 10_000, `${sizeOf(whole)} bytes without deltas`);
  });

  const moved: [what: string, change: (old: Buffer) => Buffer[], most: number][] = [
    [
      'one byte more in the middle',
      (old) => [old.subarray(0, 4_000_000), Buffer.from('!'), old.subarray(4_000_000)],
      1500,
    ],
    ['a byte less at the front', (old) => [old.subarray(1)], 1500],
    [
      '1 MiB more at the front and a byte changed behind',
      (old) => [noise(77, 1 << 20), flipped(old, 5_000_000)],
      (1 << 20) + 3000,
    ],
    ['1 MiB less at the front and a byte changed behind', (old) => [flipped(old, 5_000_000).subarray(1 << 20)], 3000],
    ['its last line changed', (old) => [old.subarray(0, old.length - 10), Buffer.from('something else')], 1500],
  ];
  for (const [what, change, most] of moved) {
    it(`a file of 8 MB with ${what}`, async () => {
      const sender = openMemoryBlobs();
      const old = noise(5, 8_000_000);
      const now = Buffer.concat(change(old));
      const base = await store(sender, { big: old });
      const root = await store(sender, { big: now });
      const entries = await entriesOf(sender, [outgoing(root, base)]);
      assert.ok(sizeOf(entries) < most, `${sizeOf(entries)} bytes`);
    });
  }

  it('keeps every frame within the limits that receivers have', async () => {
    const sender = openMemoryBlobs();
    // Chunks as long as they can be: the chunker finds no place to cut.
    const flat = (seed: number): Buffer =>
      Buffer.concat(
        Array.from({ length: 30 }, () => noise(seed, 64).subarray(0, 64)).flatMap((line) =>
          Array.from({ length: 900 }, () => line),
        ),
      );
    const old = { flat: flat(1), small: text(1, 50), noise: noise(4, 3_000_000) };
    const now = { flat: flipped(flat(1), 700_000), small: text(2, 50), noise: flipped(old.noise, 10) };
    const base = await store(sender, old);
    const root = await store(sender, now, 2n);
    const reader = sender.reader(VOLSET);
    let frames = 0;
    for (const item of await entriesOf(sender, [outgoing(root, base)])) {
      if (item.entry !== 'delta') continue;
      for (const resolved of resolveDeltas(decodeDeltas(item.bytes), { manifest, nodes: reader })) {
        assert.ok('delta' in resolved);
        const sum = (items: { length: number }[]): number => items.reduce((all, { length }) => all + length, 0);
        assert.ok(sum(resolved.delta.base) <= MAX_DELTA_BASE && sum(resolved.delta.targets) <= MAX_DELTA_RAW);
        frames++;
      }
    }
    assert.ok(frames >= 2, `${frames} frames`);
  });

  it('nodes come before the deltas that they name, chunks of new files in blocks, the marker last', async () => {
    const sender = openMemoryBlobs();
    const base = await store(sender, { a: text(1, 900), b: text(2, 900) });
    const root = await store(sender, {
      a: Buffer.concat([text(1, 900), Buffer.from('x')]),
      b: text(2, 900),
      c: noise(3, 5000),
    });
    const entries = await entriesOf(sender, [outgoing(root, base)]);
    const said = entries.map((item) => (item.entry === 'delta' ? `delta ${item.kind}` : item.entry));
    assert.deepEqual(said, ['delta 1', 'delta 0', 'block', 'snapshot']);
    assert.equal(inBlocks(entries, KIND.chunk).length, 1);
  });

  it('sends nothing that the other side holds, neither in a block nor as a delta', async () => {
    const sender = openMemoryBlobs();
    const old = Object.fromEntries(Array.from({ length: 150 }, (_, n) => [`f${n}`, text(n, 20)]));
    const now = Object.fromEntries(
      Object.entries(old).map(([name, bytes]) => [name, Buffer.concat([bytes, Buffer.from('+')])]),
    );
    const base = await store(sender, old);
    const root = await store(sender, now, 2n);
    const have = async (_: 0 | 1, ids: Uint8Array): Promise<Uint8Array> => new Uint8Array(ids.length / 32).fill(1);
    const entries = await entriesOf(sender, [outgoing(root, base)], { have });
    // The nodes are fewer than 64: nobody was asked about them.
    assert.deepEqual(inBlocks(entries, KIND.chunk), []);
    assert.ok(!entries.some((item) => item.entry === 'delta' && item.kind === KIND.chunk));
    const skipped = await entriesOf(sender, [outgoing(root, base)], { skip: () => true });
    assert.deepEqual(
      skipped.map(({ entry }) => entry),
      ['snapshot'],
    );
  });

  it('goes plainly where the base looks like a trained dictionary, or gains nothing', async () => {
    const trained = Buffer.concat([Buffer.from([0x37, 0xa4, 0x30, 0xec]), text(1, 300)]);
    const sender = openMemoryBlobs();
    const base = await store(sender, { trained });
    const root = await store(sender, { trained: Buffer.concat([trained, Buffer.from('x')]) });
    const entries = await entriesOf(sender, [outgoing(root, base)]);
    assert.equal(inBlocks(entries, KIND.chunk).length, 1);
    const other = await store(sender, { trained: noise(9, 20_000) });
    assert.equal(inBlocks(await entriesOf(sender, [outgoing(other, base)]), KIND.chunk).length, 1);
  });

  it('an earlier snapshot of the stream serves as base', async () => {
    const sender = openMemoryBlobs();
    const first = { log: text(1, 1000) };
    const second = { log: Buffer.concat([first.log, Buffer.from('more\n')]) };
    const one = outgoing(await store(sender, first), null);
    const root = await store(sender, second, 2n);
    const two: Outgoing = { ...outgoing(root, null), base: { id: one.id } };
    const entries = await entriesOf(sender, [one, two]);
    const { blob, lacking } = await receive([], entries);
    assert.equal(lacking, 0);
    assert.equal(entries.filter(({ entry }) => entry === 'delta').length, 2);
    assertFiles(blob.reader(VOLSET), root, second);
  });

  it('what was sent by another generator of the transfer does not go again', async () => {
    const sender = openMemoryBlobs();
    const item = outgoing(await store(sender, { a: text(1, 100), b: noise(1, 100_000) }), null);
    const seen = new Seen();
    assert.ok(sizeOf(await entriesOf(sender, [item], { seen })) > 100_000);
    assert.equal(sizeOf(await entriesOf(sender, [item], { seen })), 0);
  });

  it('of tiny files a part holds no more than a peer takes', async () => {
    const sender = openMemoryBlobs();
    const [old, now]: Files[] = [{}, {}];
    for (let n = 0; n < 3000; n++) {
      old[`${n}`] = Buffer.concat([noise(n, 80), Buffer.from('1')]);
      now[`${n}`] = Buffer.concat([noise(n, 80), Buffer.from('2')]);
    }
    const item = outgoing(await store(sender, now, 2n), await store(sender, old));
    let objects = 0;
    for (const entry of await entriesOf(sender, [item])) {
      if (entry.entry !== 'delta' || entry.kind !== KIND.chunk) continue;
      const { deltas } = decodeDeltas(entry.bytes) as { deltas: ChunkDelta[] };
      const runs = deltas.flatMap(({ files }) => files.flatMap(({ targets }) => targets));
      const count = runs.reduce((sum, [, length]) => sum + length, 0);
      // As many such entries as fill a part, and the one that makes it full.
      const each = (entry.raw as number) / count;
      assert.ok(PART_RAW / each + count <= MAX_PART_TARGETS, `${count} objects weigh ${entry.raw}`);
      objects += count;
    }
    assert.ok(objects > 2000, `${objects} go as deltas`);
  });

  it('shares are together what one stream is, nodes, deltas and markers in the first', async () => {
    const sender = openMemoryBlobs();
    const old: Files = {};
    const now: Files = {};
    for (let n = 0; n < 60; n++) {
      old[`f${n}`] = text(n, 200);
      now[`f${n}`] = Buffer.concat([old[`f${n}`], Buffer.from('+')]);
      now[`new${n}`] = noise(n, 9000);
    }
    const base = await store(sender, old);
    const root = await store(sender, now, 2n);
    const item = outgoing(root, base);
    const shares = [];
    for (let index = 0; index < 3; index++) shares.push(await entriesOf(sender, [item], { share: { index, of: 3 } }));
    assert.deepEqual(new Set(shares[1].concat(shares[2]).map(({ entry }) => entry)), new Set(['block']));
    assert.deepEqual(new Set(shares[0].map(({ entry }) => entry)), new Set(['delta', 'block', 'snapshot']));
    assert.equal(inBlocks([...shares[1], ...shares[2]], KIND.node).length, 0);
    const together = shares.flatMap((share) => inBlocks(share, KIND.chunk));
    const alone = inBlocks(await entriesOf(sender, [item]), KIND.chunk);
    assert.equal(new Set(together).size, together.length, 'each object in one share');
    assert.deepEqual(together.sort(), alone.sort());
    for (const share of shares) assert.ok(inBlocks(share, KIND.chunk).length > 0);
  });
});

function flipped(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] ^= 1;
  return copy;
}
