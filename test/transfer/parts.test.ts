import assert from 'node:assert/strict';
import { pack } from 'tar-stream';
import { KIND } from '../../src/core/hash.ts';
import type { SnapshotId } from '../../src/core/ids.ts';
import type { PartAnswer } from '../../src/core/peer.ts';
import { type DiffEvent, readBlobDiff } from '../../src/transfer/blob-diff.ts';
import { type DiffSnapshot, TRANSFER_LIMITS } from '../../src/transfer/diff-format.ts';
import { PartWindow } from '../../src/transfer/part-window.ts';
import { type Needs, type Part, PartBuilder } from '../../src/transfer/parts.ts';
import { writeTar } from '../../src/transfer/tar.ts';
import { blocksOf, VOLSET } from './support/stores.ts';

const item = (n: number): DiffSnapshot => ({ id: String(n).padStart(64, '0') as SnapshotId, base: null });
const block = (kind: 0 | 1): Uint8Array =>
  blocksOf([{ kind, id: new Uint8Array(32), bytes: Buffer.from('object') }])[0];
const delta = (kind: 0 | 1) => ({ kind, bytes: Buffer.from('a delta') });

async function* each<T>(items: Iterable<T>): AsyncGenerator<T> {
  yield* items;
}
const read = ({ pieces }: Part): Promise<DiffEvent[]> => Array.fromAsync(readBlobDiff(each(pieces), TRANSFER_LIMITS));

describe('transfer: parts', () => {
  it('are whole blob diffs that name only what is in them', async () => {
    const builder = new PartBuilder(VOLSET, 1500);
    builder.addBlock(block(KIND.chunk));
    assert.equal(builder.full, false);
    builder.addMarker(item(1), 1, Buffer.from('body'));
    assert.equal(builder.full, true);
    const first = builder.build();
    assert.ok(builder.empty);
    builder.addDelta(delta(KIND.chunk), item(4), 4, false);
    builder.addMarker(item(3), 3, Buffer.from('body'));
    const second = builder.build();
    const events = await read(first);
    assert.deepEqual(events[0], { entry: 'header', header: { volset: VOLSET, part: true, snapshots: [item(1)] } });
    assert.deepEqual(
      events.map(({ entry }) => entry),
      ['header', 'block', 'snapshot', 'trailer'],
    );
    assert.equal(first.bytes, Buffer.concat(first.pieces).length);
    assert.equal(first.data, block(KIND.chunk).length);
    const [head, ...rest] = await read(second);
    assert.deepEqual(head, { entry: 'header', header: { volset: VOLSET, part: true, snapshots: [item(3), item(4)] } });
    assert.deepEqual(
      rest.map(({ entry }) => entry),
      ['delta', 'snapshot', 'trailer'],
    );
    assert.deepEqual(
      second.markers.map(({ id }) => id),
      [item(3).id],
    );
  });

  const CASES: [string, (builder: PartBuilder) => void, Needs, boolean][] = [
    ['chunks', (b) => b.addBlock(block(KIND.chunk)), 'nothing', false],
    ['nodes', (b) => b.addBlock(block(KIND.node)), 'nothing', true],
    ['deltas of nodes', (b) => b.addDelta(delta(KIND.node), item(1), 1, false), 'nothing', true],
    ['deltas of chunks', (b) => b.addDelta(delta(KIND.chunk), item(1), 1, false), 'nodes', false],
    ['deltas whose base is on its way', (b) => b.addDelta(delta(KIND.chunk), item(1), 1, true), 'all', false],
    ['a marker', (b) => b.addMarker(item(1), 1, Buffer.from('body')), 'all', false],
  ];
  for (const [what, add, needs, nodes] of CASES) {
    it(`with ${what} need ${needs} before them`, () => {
      const builder = new PartBuilder(VOLSET);
      add(builder);
      const part = builder.build();
      assert.deepEqual([part.needs, part.nodes], [needs, nodes]);
      builder.addBlock(block(KIND.chunk));
      assert.equal(builder.build().needs, 'nothing', 'the next part starts anew');
    });
  }

  for (const [kind, full] of [
    [KIND.node, true],
    [KIND.chunk, false],
  ] as const) {
    it(`${full ? 'end' : 'do not end'} at 128 KiB of ${full ? 'nodes, for which deltas wait' : 'deltas of chunks'}`, () => {
      const builder = new PartBuilder(VOLSET);
      builder.addDelta({ kind, bytes: Buffer.alloc(128 * 1024) }, item(1), 1, false);
      assert.equal(builder.full, full);
      builder.build();
      assert.equal(builder.full, false);
    });
  }

  it('have the tar headers that tar-stream writes', async () => {
    const entries = [
      { name: 'blocks/000000', bytes: Buffer.alloc(513, 7) },
      { name: `snapshots/${'a'.repeat(64)}.json`, bytes: Buffer.from('{}') },
      { name: 'empty', bytes: Buffer.alloc(0) },
      { name: 'full', bytes: Buffer.alloc(1024, 1) },
    ];
    const tar = pack();
    for (const { name, bytes } of entries) tar.entry({ name, mode: 0o644, mtime: new Date(0) }, bytes);
    tar.finalize();
    const theirs = Buffer.concat((await Array.fromAsync(tar as AsyncIterable<Uint8Array>)) as Uint8Array[]);
    assert.ok(Buffer.concat(await Array.fromAsync(writeTar(each(entries)))).equals(theirs));
  });
});

/** Parts whose answers come when the test says so. */
class Line {
  readonly sent: string[] = [];
  readonly #answers = new Map<string, PromiseWithResolvers<PartAnswer>>();
  readonly window: PartWindow;

  constructor(parallel: number, signal?: AbortSignal) {
    this.window = new PartWindow(parallel, signal);
  }

  /** @returns whether it is on its way, asked once all that can happen by itself has */
  async send(name: string, fields: Partial<Part> = {}, upload: object = this): Promise<() => boolean> {
    const part: Part = { ...new PartBuilder(VOLSET).build(), bytes: 1, ...fields };
    const answer = Promise.withResolvers<PartAnswer>();
    this.#answers.set(name, answer);
    const send = (): Promise<PartAnswer> => {
      this.sent.push(name);
      return answer.promise;
    };
    const nothing = (): void => {};
    void this.window.send({ upload, part, send, wanted: () => true, done: nothing, failed: nothing }).catch(nothing);
    await settled();
    return () => this.sent.includes(name);
  }

  async answer(name: string): Promise<void> {
    this.#answers.get(name)?.resolve({ snapshots: [], lacking: [] });
    await settled();
  }
}

/** All callbacks of promises that are settled have run. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('transfer: parts in flight', () => {
  it('are as many at once as was said, however large, and 32 MiB', async () => {
    const line = new Line(2);
    await line.send('a');
    await line.send('b');
    const third = await line.send('c');
    assert.equal(third(), false);
    await line.answer('b');
    assert.equal(third(), true);
    const large = new Line(12);
    assert.equal((await large.send('a', { bytes: 33 * 2 ** 20 }))(), true);
    const next = await large.send('b', { bytes: 1 });
    assert.equal(next(), false);
    await large.answer('a');
    assert.equal(next(), true);
  });

  for (const [needs, nodes, waits] of [
    ['nothing', true, false],
    ['nodes', false, false],
    ['nodes', true, true],
    ['all', false, true],
  ] as const) {
    it(`one that needs ${needs} ${waits ? 'waits' : 'does not wait'} for one with ${nodes ? 'nodes' : 'chunks'}`, async () => {
      const line = new Line(4);
      await line.send('first', { nodes });
      const other = await line.send('second', { needs });
      assert.equal(other(), !waits);
      await line.answer('first');
      assert.equal(other(), true);
    });
  }

  it('of another upload are not waited for', async () => {
    const line = new Line(4);
    await line.send('first', { nodes: true }, {});
    assert.equal((await line.send('second', { needs: 'all' }, {}))(), true);
  });

  it('are not waited for after a stop', async () => {
    const stop = new AbortController();
    const line = new Line(4, stop.signal);
    await line.send('first');
    const ended = assert.rejects(line.window.ended(), /stopped/);
    stop.abort(new Error('stopped'));
    await ended;
  });
});
