import assert from 'node:assert/strict';
import type { NodeSource } from '../../src/blob/contract.ts';
import { manifest } from '../../src/blob/manifest/index.ts';
import { openMemoryBlobs } from '../../src/blob/memory-engine.ts';
import type { Entry } from '../../src/core/entry.ts';
import { MAX_CHUNK } from '../../src/core/extents.ts';
import { hex } from '../../src/core/hash.ts';
import type { NodeId } from '../../src/core/ids.ts';
import type { PathKey } from '../../src/core/paths.ts';
import type { DeltaEntry, DeltaFile } from '../../src/transfer/delta-format.ts';
import { resolveDeltas } from '../../src/transfer/delta-resolve.ts';
import { VOLSET } from './support/stores.ts';

const ABSENT = 'ee'.repeat(32) as NodeId;
const id = (n: number): Uint8Array => Buffer.alloc(32, n);

/** a: chunks 1 (100 bytes) and 2 (200), a hole, chunk 3 (50); long: 200 chunks of 1000 bytes in a list; dir: no file. */
async function tree(): Promise<{ root: NodeId; nodes: NodeSource }> {
  const blob = openMemoryBlobs();
  await using writer = blob.writer(VOLSET);
  const a = manifest.buildList(writer, [
    { length: 100, id: id(1) },
    { length: 200, id: id(2) },
    { length: MAX_CHUNK },
    { length: 50, id: id(3) },
  ]);
  const long = manifest.buildList(
    writer,
    Array.from({ length: 200 }, (_, n) => ({ length: 1000, id: id(n + 10) })),
  );
  assert.ok('list' in long);
  const file = (path: string, content: Entry['content'], size: number): Entry => {
    return { path: path as PathKey, kind: 'file', mode: 0, mtime: 0n, size, ...(content && { content }) };
  };
  const root = manifest.build(writer, [
    file('a', a, 350 + MAX_CHUNK),
    { path: 'dir' as PathKey, kind: 'dir', mode: 0, mtime: 0n, size: 0 },
    file('long', long, 200_000),
  ]);
  await writer.finish();
  return { root, nodes: blob.reader(VOLSET) };
}

function chunks(root: NodeId, file: Partial<DeltaFile>, baseRoot = root): DeltaEntry {
  const path = (file.path ?? 'a') as PathKey;
  const files = [{ path, base: path, targets: [[0, 1]], pieces: [[0, 0]], ...file }] as DeltaFile[];
  return { root, baseRoot, kind: 0, deltas: [{ files, frame: Buffer.from('x') }] };
}

const path = (text: string): PathKey => text as PathKey;

describe('transfer: what deltas name', () => {
  const found: [
    what: string,
    file: Partial<DeltaFile>,
    targets: number[],
    base: [id: number, start: number, length: number][],
  ][] = [
    ['extents on both sides of a hole', { targets: [[1, 3]], pieces: [[0, 10]] }, [2, 3], [[1, 0, 10]]],
    [
      'bytes that begin and end within chunks',
      { pieces: [[90, 30]] },
      [1],
      [
        [1, 90, 10],
        [2, 0, 20],
      ],
    ],
    [
      'bytes around a hole',
      { pieces: [[299, MAX_CHUNK + 3]] },
      [1],
      [
        [2, 199, 1],
        [3, 0, 2],
      ],
    ],
    [
      'bytes to the end',
      { pieces: [[280, 0]] },
      [1],
      [
        [2, 180, 20],
        [3, 0, 50],
      ],
    ],
    [
      'several runs, not in order',
      {
        targets: [
          [3, 1],
          [0, 1],
        ],
        pieces: [
          [100, 1],
          [0, 1],
        ],
      },
      [3, 1],
      [
        [2, 0, 1],
        [1, 0, 1],
      ],
    ],
    [
      'extents deep in a list',
      { path: path('long'), base: path('long'), targets: [[150, 2]], pieces: [[170_500, 1000]] },
      [160, 161],
      [
        [180, 500, 500],
        [181, 0, 500],
      ],
    ],
    ['a base of another name', { path: path('a'), base: path('long'), pieces: [[0, 5]] }, [1], [[10, 0, 5]]],
  ];
  for (const [what, file, targets, base] of found) {
    it(`finds ${what}`, async () => {
      const { root, nodes } = await tree();
      const [resolved] = resolveDeltas(chunks(root, file), { manifest, nodes });
      assert.ok('delta' in resolved);
      assert.deepEqual(
        resolved.delta.targets.map((target) => target.id[0]),
        targets,
      );
      assert.deepEqual(
        resolved.delta.base.map((piece) => [piece.id[0], piece.start, piece.length]),
        base,
      );
    });
  }

  const refused: [what: string, file: Partial<DeltaFile>, says: RegExp][] = [
    ['a file that is not there', { path: path('b') }, /not in its tree/],
    ['a directory', { path: path('dir') }, /not in its tree/],
    ['a base that is not there', { base: path('b') }, /not in its tree/],
    ['extents behind the last', { targets: [[3, 2]] }, /extents/],
    ['a first extent behind the last', { targets: [[9, 1]] }, /extents/],
    ['only a hole', { targets: [[2, 1]] }, /more than it may/],
    ['bytes behind the end', { pieces: [[300, MAX_CHUNK + 51]] }, /end of a file/],
    ['all bytes behind the end', { pieces: [[1 << 30, 0]] }, /end of a file/],
    [
      'one piece again and again',
      { path: path('long'), pieces: Array.from({ length: 9 }, () => [0, 0] as [number, number]) },
      /too long/,
    ],
  ];
  for (const [what, file, says] of refused) {
    it(`refuses ${what}`, async () => {
      const { root, nodes } = await tree();
      const resolve = (): unknown => [...resolveDeltas(chunks(root, file), { manifest, nodes })];
      assert.throws(resolve, { code: 'protocol', message: says });
    });
  }

  it('tells which chunks are to come plainly where the base is not here', async () => {
    const { root, nodes } = await tree();
    const [resolved] = resolveDeltas(chunks(root, { targets: [[0, 2]] }, ABSENT), { manifest, nodes });
    assert.deepEqual('lacking' in resolved && resolved.lacking.map((ref) => [ref.kind, ref.id[0]]), [
      [0, 1],
      [0, 2],
    ]);
    assert.deepEqual([...resolveDeltas(chunks(ABSENT, {}, root), { manifest, nodes })], [{ unknown: true }]);
  });

  it('has no more of a base in memory than a dictionary may have pieces, however a tree cuts its files', async () => {
    const blob = openMemoryBlobs();
    await using writer = blob.writer(VOLSET);
    const specks = manifest.buildList(
      writer,
      Array.from({ length: 6000 }, (_, n) => ({ length: 1, id: id(n % 251) })),
    );
    const entry: Entry = { path: path('a'), kind: 'file', mode: 0, mtime: 0n, size: 6000, content: specks };
    const root = manifest.build(writer, [entry]);
    await writer.finish();
    let looked = 0;
    const counting: typeof manifest = {
      ...manifest,
      *extentsFrom(...args) {
        for (const extent of manifest.extentsFrom(...args)) {
          looked++;
          yield extent;
        }
      },
    };
    const again = Array.from({ length: 4000 }, () => [0, 0] as [number, number]);
    for (const [pieces, most] of [
      [[[0, 4096]], 4096],
      [[[0, 4097]], 4097],
      [again, 4097],
    ] as [DeltaFile['pieces'], number][]) {
      looked = 0;
      const context = { manifest: counting, nodes: blob.reader(VOLSET) };
      const [resolved] = resolveDeltas(chunks(root, { pieces }), context);
      // One was looked at for the target.
      assert.equal(looked, most + 1);
      if (most > 4096) assert.deepEqual('lacking' in resolved && resolved.lacking.map((ref) => ref.id[0]), [0]);
      else assert.ok('delta' in resolved && resolved.delta.base.length === 4096);
    }
  });

  it('takes nodes by id, whole ones as base', async () => {
    const { root, nodes } = await tree();
    const targets = [{ id: ABSENT, length: 77 }];
    const entry = (base: NodeId): DeltaEntry => {
      return { root, baseRoot: root, kind: 1, deltas: [{ targets, base: [base], frame: Buffer.from('x') }] };
    };
    const [resolved] = resolveDeltas(entry(root), { manifest, nodes });
    assert.ok('delta' in resolved);
    assert.deepEqual(
      resolved.delta.base.map((piece) => [hex(piece.id), piece.start, piece.length]),
      [[root, 0, nodes.readNode(root).length]],
    );
    const [other] = resolveDeltas(entry(ABSENT), { manifest, nodes });
    assert.deepEqual('lacking' in other && other.lacking.map((ref) => hex(ref.id)), [ABSENT]);
  });
});
