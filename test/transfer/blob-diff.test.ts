import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { text } from 'node:stream/consumers';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { pack } from 'tar-stream';
import { PlaitError } from '../../src/core/errors.ts';
import type { SnapshotId } from '../../src/core/ids.ts';
import { type DiffEvent, readBlobDiff, writeBlobDiff } from '../../src/transfer/blob-diff.ts';
import { BUNDLE_LIMITS, type DiffEntry, type DiffHeader, TRANSFER_LIMITS } from '../../src/transfer/diff-format.ts';
import { VOLSET } from './support/stores.ts';

const id = (n: number): SnapshotId => n.toString(16).padStart(64, '0') as SnapshotId;
const header: DiffHeader = {
  volset: VOLSET,
  snapshots: [
    { id: id(1), base: null },
    { id: id(2), base: id(1) },
  ],
};
const block = (size: number): DiffEntry => ({ entry: 'block', bytes: Buffer.alloc(size, size & 255) });
const marker = (n: number): DiffEntry => ({ entry: 'snapshot', id: id(n), bytes: Buffer.from(`body ${n}`) });
const ENTRIES = [block(700), block(1), marker(1), block(512), marker(2)];

async function* each<T>(items: Iterable<T>): AsyncGenerator<T> {
  yield* items;
}
const streamOf = async (entries: DiffEntry[] = ENTRIES, of: DiffHeader = header): Promise<Buffer> =>
  Buffer.concat(await Array.fromAsync(writeBlobDiff(of, each(entries))));
const read = (bytes: Uint8Array, limits = TRANSFER_LIMITS): Promise<DiffEvent[]> =>
  Array.fromAsync(readBlobDiff(each([bytes]), limits));

const refuses = (code: string) => (error: unknown) => error instanceof PlaitError && error.code === code;

/** A tar made by hand, with valid header and trailer names but free content. */
async function tarOf(
  entries: { name: string; content: string | Uint8Array; type?: 'symlink' | 'directory'; pax?: object }[],
) {
  const tar = pack();
  for (const { name, content, type, pax } of entries) {
    tar.entry({ name, ...(type ? { type, linkname: 'x' } : {}), ...(pax ? { pax } : {}) }, Buffer.from(content));
  }
  tar.finalize();
  return Buffer.concat((await Array.fromAsync(tar as AsyncIterable<Uint8Array>)) as Uint8Array[]);
}

const withoutPayload = (events: DiffEvent[]): DiffEvent[] =>
  events.map((event) => (event.entry === 'block' ? { ...event, bytes: event.bytes.subarray(0, 24) } : event));

describe('transfer: blob diff', () => {
  it('gives back what was written, in order', async () => {
    const [first, ...rest] = await read(await streamOf());
    assert.deepEqual(first, { entry: 'header', header });
    assert.deepEqual(
      rest.slice(0, -1).map((event) => ({ ...event, bytes: Buffer.from((event as { bytes: Uint8Array }).bytes) })),
      ENTRIES,
    );
    const trailer = rest.at(-1);
    assert.ok(trailer?.entry === 'trailer');
    assert.equal(trailer.trailer.blocks, 3);
    assert.equal(trailer.trailer.snapshots, 2);
  });

  it('carries deltas, numbers and, in a part, some of the markers', async () => {
    const numbered = header.snapshots.map((item, n) => ({ ...item, number: n + 1 }));
    const part: DiffHeader = { ...header, part: true, snapshots: numbered };
    const delta: DiffEntry = { entry: 'delta', kind: 0, bytes: Buffer.from('delta'), for: id(2) };
    const entries = [delta, block(9), marker(2), block(10), { ...delta, bytes: Buffer.from('another') }];
    const events = await read(await streamOf(entries, part));
    assert.deepEqual(events[0], { entry: 'header', header: part });
    assert.deepEqual(
      events.slice(1, -1).map(({ entry }) => entry),
      ['delta', 'block', 'snapshot', 'block', 'delta'],
    );
    const trailer = events.at(-1);
    assert.ok(trailer?.entry === 'trailer');
    const { blocks, deltas, snapshots } = trailer.trailer;
    assert.deepEqual({ blocks, deltas, snapshots }, { blocks: 2, deltas: 2, snapshots: 1 });
    await assert.rejects(streamOf([marker(2), marker(1)], part).then(read), refuses('protocol'));
    await assert.rejects(streamOf([marker(1), marker(1)], part).then(read), refuses('protocol'));
    // The same entries as a whole stream: a marker is missing, and blocks follow the last one.
    await assert.rejects(streamOf(entries).then(read), refuses('protocol'));
  });

  it('still reads format 1, which knew no parts', async () => {
    const old = (extra: object) => {
      const content = JSON.stringify({ format: 1, volset: VOLSET, snapshots: [], ...extra });
      const lines = createHash('sha256').update(
        `header.json ${content.length} ${crc32(content).toString(16).padStart(8, '0')}\n`,
      );
      const trailer = { blocks: 0, snapshots: 0, bytes: content.length, digest: lines.digest('hex') };
      return tarOf([
        { name: 'header.json', content },
        { name: 'trailer.json', content: JSON.stringify(trailer) },
      ]);
    };
    assert.equal((await read(await old({}))).length, 2);
    await assert.rejects(old({ part: true }).then(read), refuses('protocol'));
  });

  it('is the same stream for the same data', async () => {
    assert.ok((await streamOf()).equals(await streamOf()));
  });

  it('does not depend on how the bytes are cut', async () => {
    const bytes = await streamOf();
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 900 }), { minLength: 1 }), async (sizes) => {
        const pieces: Uint8Array[] = [];
        for (let at = 0, n = 0; at < bytes.length; n++) {
          const size = sizes[n % sizes.length];
          pieces.push(bytes.subarray(at, at + size));
          at += size;
        }
        const events = await Array.fromAsync(readBlobDiff(each(pieces), TRANSFER_LIMITS));
        assert.equal(events.length, ENTRIES.length + 2);
      }),
      { numRuns: 40 },
    );
  });

  it('is listed by tar', async () => {
    const tar = spawn('tar', ['tf', '-']);
    tar.stdin.end(await streamOf());
    const names = (await text(tar.stdout)).trim().split('\n');
    assert.deepEqual(names, [
      'header.json',
      'blocks/000000',
      'blocks/000001',
      `snapshots/${id(1)}.json`,
      'blocks/000002',
      `snapshots/${id(2)}.json`,
      'trailer.json',
    ]);
  });

  it('refuses a stream cut anywhere', async () => {
    const bytes = await streamOf();
    // The end mark of tar, 1024 zero bytes, may be missing: everything that counts has come by then.
    for (let cut = 0; cut < bytes.length - 1024; cut += cut % 512 === 0 ? 1 : 511) {
      await assert.rejects(read(bytes.subarray(0, cut)), refuses('protocol'), `cut at ${cut}`);
    }
  });

  it('notices every flipped byte of entry headers, JSON and block headers', async () => {
    const bytes = await streamOf();
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1025), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
        const damaged = Buffer.from(bytes);
        damaged[at] ^= flip;
        const outcome = await read(damaged).catch((error: unknown) => error);
        if (outcome instanceof PlaitError) return;
        // Padding between entries is not content, and what follows a block's header is checked by the engine.
        assert.ok(Array.isArray(outcome), String(outcome));
        assert.deepEqual(withoutPayload(outcome), withoutPayload(await read(bytes)));
      }),
      { numRuns: 300 },
    );
  });

  const entriesIn = async (): Promise<{ name: string; content: Uint8Array }[]> => {
    const { readTar } = await import('../../src/transfer/tar.ts');
    const entries = await Array.fromAsync(readTar(each([await streamOf()]), () => 1e6));
    return entries.map(({ name, bytes }) => ({ name, content: bytes }));
  };
  const cases: [string, string, (entries: { name: string; content: Uint8Array; type?: 'symlink' }[]) => unknown[]][] = [
    ['no header', 'protocol', (e) => e.slice(1)],
    ['header twice', 'protocol', (e) => [e[0], ...e]],
    ['a block left out', 'protocol', (e) => e.toSpliced(1, 1)],
    ['the last block left out', 'integrity', (e) => e.toSpliced(4, 1)],
    ['two blocks swapped', 'protocol', (e) => [e[0], e[2], e[1], ...e.slice(3)]],
    [
      'contents of two blocks swapped',
      'integrity',
      (e) => e.with(1, { ...e[1], content: e[2].content }).with(2, { ...e[2], content: e[1].content }),
    ],
    ['a snapshot left out', 'protocol', (e) => e.toSpliced(3, 1)],
    ['snapshots swapped', 'protocol', (e) => e.with(3, e[5]).with(5, e[3])],
    ['no trailer', 'protocol', (e) => e.slice(0, -1)],
    ['an entry after the trailer', 'protocol', (e) => [...e, e[1]]],
    [
      'an unknown entry',
      'protocol',
      (e) => e.toSpliced(1, 0, { name: 'hooks/post-receive', content: Buffer.from('x') }),
    ],
    [
      'a name that climbs',
      'protocol',
      (e) => e.toSpliced(1, 0, { name: 'blocks/../000000', content: Buffer.from('x') }),
    ],
    ['an absolute name', 'protocol', (e) => e.toSpliced(1, 0, { name: '/etc/passwd', content: Buffer.from('x') })],
    [
      'a link',
      'protocol',
      (e) => e.toSpliced(1, 0, { name: 'blocks/000000', content: Buffer.alloc(0), type: 'symlink' }),
    ],
    ['refs in a transfer', 'protocol', (e) => e.toSpliced(-1, 0, { name: 'refs.json', content: Buffer.from('{}') })],
    [
      'generations in a transfer',
      'protocol',
      (e) => e.toSpliced(1, 0, { name: 'generations/000000.ndjson', content: Buffer.from('{}') }),
    ],
  ];
  for (const [what, code, change] of cases) {
    it(`refuses ${what}`, async () => {
      const bytes = await tarOf(change(await entriesIn()) as Parameters<typeof tarOf>[0]);
      await assert.rejects(read(bytes), refuses(code));
    });
  }

  it('refuses extended headers', async () => {
    const bytes = await tarOf([{ name: 'header.json', content: '{}', pax: { size: '99999999999' } }]);
    await assert.rejects(read(bytes), refuses('protocol'));
  });

  it('refuses an entry by its declared size, before its bytes come', async () => {
    const bytes = await streamOf([block(9 * 1024 * 1024), marker(1), marker(2)]);
    // Header of the stream and of the entry only: nothing of its content.
    await assert.rejects(read(bytes.subarray(0, 2048)), /too large/);
  });

  it('ends with quota when all together is too much', async () => {
    await assert.rejects(read(await streamOf(), { ...TRANSFER_LIMITS, total: 1000 }), refuses('quota'));
  });

  const headers: [string, unknown, string][] = [
    ['another format', { format: 3, volset: VOLSET, snapshots: [] }, 'format'],
    ['no volset', { format: 1, snapshots: [] }, 'protocol'],
    ['a volset that is a path', { format: 1, volset: '../../x', snapshots: [] }, 'protocol'],
    [
      'a snapshot twice',
      { format: 1, volset: VOLSET, snapshots: [header.snapshots[0], header.snapshots[0]] },
      'protocol',
    ],
    ['a wrong id', { format: 1, volset: VOLSET, snapshots: [{ id: '__proto__', base: null }] }, 'protocol'],
    ['a wrong number', { format: 2, volset: VOLSET, snapshots: [{ id: id(1), base: null, number: 0 }] }, 'protocol'],
    ['a part that is none', { format: 2, volset: VOLSET, part: 1, snapshots: [] }, 'protocol'],
    ['a wrong base', { format: 1, volset: VOLSET, snapshots: [{ id: id(1), base: 'x' }] }, 'protocol'],
    ['a list', [], 'protocol'],
    ['null', null, 'protocol'],
  ];
  for (const [what, value, code] of headers) {
    it(`refuses a header with ${what}`, async () => {
      await assert.rejects(read(await tarOf([{ name: 'header.json', content: JSON.stringify(value) }])), refuses(code));
    });
  }

  it('carries generations and refs in a bundle', async () => {
    const bundle: DiffHeader = { ...header, store: `${VOLSET}.1` as DiffHeader['store'] };
    const lines: DiffEntry = { entry: 'generations', bytes: Buffer.from('{}\n') };
    const refs: DiffEntry = { entry: 'refs', bytes: Buffer.from('{}') };
    const events = await read(await streamOf([lines, lines, ...ENTRIES, refs], bundle), BUNDLE_LIMITS);
    assert.deepEqual(
      events.map(({ entry }) => entry),
      ['header', 'generations', 'generations', 'block', 'block', 'snapshot', 'block', 'snapshot', 'refs', 'trailer'],
    );
    await assert.rejects(read(await streamOf([...ENTRIES, refs, lines], bundle), BUNDLE_LIMITS), refuses('protocol'));
    await assert.rejects(read(await streamOf([refs, ...ENTRIES], bundle), BUNDLE_LIMITS), refuses('protocol'));
  });

  it('reads no further ahead than its reader asks', async () => {
    let made = 0;
    const endless = async function* (): AsyncGenerator<DiffEntry> {
      for (;;) {
        made++;
        yield block(100_000);
      }
    };
    const stream = writeBlobDiff(header, endless());
    for (let n = 0; n < 10; n++) await stream.next();
    await new Promise(setImmediate);
    assert.ok(made < 15, `${made} blocks were made for 10 pieces`);
    await stream.return(undefined);
  });

  it('passes on what ends its source', async () => {
    const failing = async function* (): AsyncGenerator<DiffEntry> {
      yield block(10);
      throw new PlaitError('integrity', 'a damaged pack');
    };
    await assert.rejects(Array.fromAsync(writeBlobDiff(header, failing())), refuses('integrity'));
    const cut = async function* (): AsyncGenerator<Uint8Array> {
      yield (await streamOf()).subarray(0, 1500);
      throw new PlaitError('network', 'connection reset');
    };
    await assert.rejects(Array.fromAsync(readBlobDiff(cut(), TRANSFER_LIMITS)), refuses('network'));
  });
});
