/** What a hostile or broken sender may not do. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { manifest } from '../../src/blob/manifest/index.ts';
import type { Entry } from '../../src/core/entry.ts';
import { PlaitError } from '../../src/core/errors.ts';
import { encodeExtents } from '../../src/core/extents.ts';
import { KIND, objectHash, snapshotId, unhex } from '../../src/core/hash.ts';
import type { NodeId, SnapshotId, VolsetId } from '../../src/core/ids.ts';
import type { PathKey } from '../../src/core/paths.ts';
import type { SnapshotBody } from '../../src/core/records.ts';
import { decodeSnapshotBody, encodeSnapshotBody } from '../../src/core/snapshot-body.ts';
import { writeBlobDiff } from '../../src/transfer/blob-diff.ts';
import type { DiffEntry, DiffSnapshot } from '../../src/transfer/diff-format.ts';
import { putBody } from '../../src/transfer/put-body.ts';
import { type Received, receiveBlobDiff } from '../../src/transfer/receive.ts';
import { bodyOf, type MadeSnapshot, makeSnapshot, someTree } from './support/history.ts';
import { blocksOf, type Loose, ownStore, type TestStore, VOLSET } from './support/stores.ts';

const refuses = (code: string) => (error: unknown) => error instanceof PlaitError && error.code === code;

async function* each<T>(items: Iterable<T>): AsyncGenerator<T> {
  yield* items;
}

/** Everything that a snapshot consists of. */
function objectsOf({ blob }: TestStore, { id, body, bytes }: MadeSnapshot): Loose[] {
  const reader = blob.reader(VOLSET);
  const found: Loose[] = [];
  const seen = new Set<string>();
  for (const ref of manifest.reachable(reader, body.root)) {
    const key = `${ref.kind}${Buffer.from(ref.id).toString('hex')}`;
    if (!seen.has(key)) found.push({ ...ref, bytes: reader.readObject(ref.kind, ref.id) });
    seen.add(key);
  }
  return [...found, { kind: KIND.snapshot, id: unhex(id), bytes }];
}

const blockEntries = (objects: Loose[]): DiffEntry[] => blocksOf(objects).map((bytes) => ({ entry: 'block', bytes }));
const marker = ({ id, bytes }: Pick<MadeSnapshot, 'id' | 'bytes'>): DiffEntry => ({ entry: 'snapshot', id, bytes });

interface Sending {
  entries: DiffEntry[];
  snapshots: DiffSnapshot[];
  volset?: VolsetId;
  expected?: SnapshotId[];
  change?: (stream: Buffer) => Uint8Array;
}

/** Receives the stream into `store`. */
async function receive(store: TestStore, sending: Sending): Promise<Received> {
  const { entries, snapshots, volset = VOLSET, expected = snapshots.map(({ id }) => id), change = (b) => b } = sending;
  const stream = Buffer.concat(await Array.fromAsync(writeBlobDiff({ volset, snapshots }, each(entries))));
  await using receiver = await store.blob.receiver(VOLSET, 'upload');
  return await receiveBlobDiff(
    {
      receiver,
      manifest,
      volset: VOLSET,
      expected: new Set(expected),
      completeRoot: async (id) => {
        const view = store.meta.findSnapshot(VOLSET, id);
        return view?.hasBlob ? view.body.root : undefined;
      },
      commit: (ids) => store.meta.setBlobs(VOLSET, ids),
      putBody: (bytes) => putBody(store.blob, VOLSET, bytes),
    },
    each([change(stream)]),
  );
}

const alone = (id: SnapshotId): DiffSnapshot[] => [{ id, base: null }];

/** Nothing became visible: no snapshot, no object. */
function assertUntouched(store: TestStore, made: MadeSnapshot, from: TestStore): void {
  assert.deepEqual(store.meta.missingBlobs(VOLSET, [made.id]), [made.id]);
  const reader = store.blob.reader(VOLSET);
  for (const { kind, id } of objectsOf(from, made)) assert.equal(reader.has(kind, id)[0], 0);
}

describe('transfer: receiving', () => {
  let sender: TestStore;
  let store: TestStore;
  let made: MadeSnapshot;
  let objects: Loose[];

  beforeEach(async () => {
    sender = ownStore();
    store = ownStore();
    made = await makeSnapshot(sender, someTree(60));
    objects = objectsOf(sender, made);
  });

  const good = (): Sending => ({ entries: [...blockEntries(objects), marker(made)], snapshots: alone(made.id) });

  it('takes a whole snapshot', async () => {
    const { snapshots, chunks } = await receive(store, good());
    assert.deepEqual(snapshots, [made.id]);
    assert.equal(chunks, 60);
    assert.deepEqual(store.meta.missingBlobs(VOLSET, [made.id]), []);
  });

  describe('beside gc', () => {
    const drop = async ({ id }: MadeSnapshot): Promise<void> => {
      assert.deepEqual(store.meta.dropBlobs(VOLSET, [id], { force: true }).dropped, [id]);
      const roots = (_: VolsetId, after: number) =>
        store.meta
          .numberedBlobs(VOLSET, after + 1, Number.MAX_SAFE_INTEGER, 100)
          .map(({ number, snapshot }) => ({ number, snapshot, root: rootOf(snapshot) }));
      await store.blob.collect({ volsets: [VOLSET], roots });
    };
    const rootOf = (id: SnapshotId): NodeId => store.meta.findSnapshot(VOLSET, id)?.body.root ?? assert.fail();

    /** `work` runs when all markers were looked at, and nothing was published. */
    async function receiveAnd(work: () => Promise<void>, { entries, snapshots }: Sending): Promise<Received> {
      await using receiver = await store.blob.receiver(VOLSET, 'upload');
      const publish = receiver.publish.bind(receiver);
      receiver.publish = async (commit) => {
        await work();
        return publish(commit);
      };
      return await receiveBlobDiff(
        {
          receiver,
          manifest,
          volset: VOLSET,
          completeRoot: async (id) => {
            const view = store.meta.findSnapshot(VOLSET, id);
            return view?.hasBlob ? view.body.root : undefined;
          },
          commit: (ids) => store.meta.setBlobs(VOLSET, ids),
          putBody: (bytes) => putBody(store.blob, VOLSET, bytes),
        },
        writeBlobDiff({ volset: VOLSET, snapshots }, each(entries)),
      );
    }

    it('a snapshot is not published whose base went while it came', async () => {
      const base = await makeSnapshot(store, someTree(3000));
      await makeSnapshot(sender, someTree(3000));
      const next = await makeSnapshot(sender, { ...someTree(3000), zz: 'new' }, [base.id], 2);
      const held = new Set(objectsOf(store, base).map(({ id }) => Buffer.from(id).toString('hex')));
      const fresh = objectsOf(sender, next).filter(({ id }) => !held.has(Buffer.from(id).toString('hex')));
      const sending = {
        entries: [...blockEntries(fresh), marker(next)],
        snapshots: [{ id: next.id, base: base.id }],
      };
      await assert.rejects(
        receiveAnd(() => drop(base), sending),
        refuses('busy'),
      );
      assert.deepEqual(store.meta.missingBlobs(VOLSET, [next.id]), [next.id]);
    });

    it('a snapshot that was here and went while it came again is not said to be here', async () => {
      const there = await makeSnapshot(store, someTree(60));
      assert.equal(there.id, made.id);
      const sending = { entries: [marker(made)], snapshots: alone(made.id) };
      await assert.rejects(
        receiveAnd(() => drop(there), sending),
        refuses('busy'),
      );
      assert.deepEqual(store.meta.missingBlobs(VOLSET, [made.id]), [made.id]);
    });
  });

  it('takes an empty tree', async () => {
    const empty = await makeSnapshot(sender, {}, [], 9);
    const entries = [...blockEntries(objectsOf(sender, empty)), marker(empty)];
    assert.deepEqual((await receive(store, { entries, snapshots: alone(empty.id) })).snapshots, [empty.id]);
  });

  it('takes the same blocks twice', async () => {
    const sending = good();
    sending.entries.unshift(...blockEntries(objects));
    assert.deepEqual((await receive(store, sending)).snapshots, [made.id]);
  });

  it('refuses a snapshot from which any one object is missing', async () => {
    const bodyLast = objects.length - 1;
    for (const [n, { kind }] of objects.entries()) {
      if (n === bodyLast || (kind === KIND.chunk && n % 7 !== 0)) continue;
      const sending = { ...good(), entries: [...blockEntries(objects.toSpliced(n, 1)), marker(made)] };
      await assert.rejects(receive(store, sending), refuses('integrity'));
    }
    assertUntouched(store, made, sender);
  });

  it('refuses an object whose bytes have another hash', async () => {
    for (const kind of [KIND.chunk, KIND.node]) {
      const n = objects.findIndex((object) => object.kind === kind);
      const wrong = objects.with(n, { ...objects[n], bytes: Buffer.concat([objects[n].bytes, Buffer.from('x')]) });
      await assert.rejects(
        receive(store, { ...good(), entries: [...blockEntries(wrong), marker(made)] }),
        refuses('integrity'),
      );
    }
    assertUntouched(store, made, sender);
  });

  it('refuses an object that comes as another kind', async () => {
    const n = objects.findIndex(({ kind }) => kind === KIND.node);
    const asChunk = { kind: KIND.chunk, id: objectHash(KIND.chunk, objects[n].bytes), bytes: objects[n].bytes };
    await assert.rejects(
      receive(store, { ...good(), entries: [...blockEntries(objects.with(n, asChunk)), marker(made)] }),
      refuses('integrity'),
    );
    // A chunk that spells out a node, prefix included, has the node's own hash: and still it is none.
    const spelled = Buffer.concat([Buffer.from('plait node 1\0'), objects[n].bytes]);
    const disguised = { kind: KIND.chunk, id: objectHash(KIND.chunk, spelled), bytes: spelled };
    assert.deepEqual(Buffer.from(disguised.id), Buffer.from(objects[n].id));
    await assert.rejects(
      receive(store, { ...good(), entries: [...blockEntries(objects.with(n, disguised)), marker(made)] }),
      refuses('integrity'),
    );
    assertUntouched(store, made, sender);
  });

  it('refuses a body that is not the one of its id, or of another volset', async () => {
    const other = bodyOf({ ...made.body, creator: 'mallory' });
    const swapped = marker({ id: made.id, bytes: encodeSnapshotBody(other) });
    await assert.rejects(
      receive(store, { ...good(), entries: [...blockEntries(objects), swapped] }),
      refuses('integrity'),
    );

    const foreign = encodeSnapshotBody({ ...made.body, volset: 'f'.repeat(32) as VolsetId });
    const id = snapshotId(foreign);
    const entries = [...blockEntries(objects), marker({ id, bytes: foreign })];
    await assert.rejects(receive(store, { entries, snapshots: alone(id) }), refuses('protocol'));

    const spaced = Buffer.from(`${Buffer.from(made.bytes).toString().replace('{', '{ ')}`);
    const spacedId = snapshotId(spaced);
    const loose = [...blockEntries(objects), marker({ id: spacedId, bytes: spaced })];
    await assert.rejects(receive(store, { entries: loose, snapshots: alone(spacedId) }), refuses('protocol'));
    assertUntouched(store, made, sender);
  });

  it('refuses what nobody asked for', async () => {
    await assert.rejects(receive(store, { ...good(), expected: ['a'.repeat(64) as SnapshotId] }), refuses('protocol'));
    await assert.rejects(receive(store, { ...good(), volset: 'f'.repeat(32) as VolsetId }), refuses('protocol'));
    assertUntouched(store, made, sender);
  });

  it('refuses a root that is no manifest, or none that build would make', async () => {
    const junk = Buffer.from('not a node at all');
    const root = objectHash(KIND.node, junk);
    const body = bodyOf({ root: root.toString('hex') as NodeId });
    const bytes = encodeSnapshotBody(body);
    const id = snapshotId(bytes);
    const entries = [...blockEntries([{ kind: KIND.node, id: root, bytes: junk }]), marker({ id, bytes })];
    await assert.rejects(receive(store, { entries, snapshots: alone(id) }), PlaitError);
    assert.deepEqual(store.meta.missingBlobs(VOLSET, [id]), [id]);
  });

  /** A snapshot of these entries, and all that it consists of, whatever the entries say. */
  function craft(
    entries: Entry[],
    chunks: Uint8Array[],
    totals: Partial<SnapshotBody> = {},
  ): Sending & { id: SnapshotId } {
    const crafted: Loose[] = chunks.map((bytes) => ({ kind: KIND.chunk, id: objectHash(KIND.chunk, bytes), bytes }));
    const putNode = (bytes: Uint8Array): NodeId => {
      const id = objectHash(KIND.node, bytes);
      crafted.push({ kind: KIND.node, id, bytes: Uint8Array.from(bytes) });
      return id.toString('hex') as NodeId;
    };
    const root = manifest.build({ putNode }, entries);
    const bytes = entries.reduce((sum, { size }) => sum + size, 0);
    const files = entries.filter(({ kind }) => kind === 'file').length;
    const encoded = encodeSnapshotBody(bodyOf({ root, files, bytes, ...totals }));
    const id = snapshotId(encoded);
    return { id, entries: [...blockEntries(crafted), marker({ id, bytes: encoded })], snapshots: alone(id) };
  }

  const fileOf = (name: string, extents: { length: number; id: Uint8Array }[]): Entry => {
    const size = extents.reduce((sum, { length }) => sum + length, 0);
    const content = { extents: encodeExtents(extents) };
    return { path: name as PathKey, kind: 'file', mode: 0o644, mtime: 1n, size, content };
  };

  it('refuses a chunk with another length than it has, wherever that is said', async () => {
    const chunk = Buffer.from('twelve bytes');
    const id = objectHash(KIND.chunk, chunk);
    const right = { length: 12, id };
    assert.deepEqual((await receive(ownStore(), craft([fileOf('a', [right, right])], [chunk]))).chunks, 1);
    for (const length of [11, 13, 262_144]) {
      const wrong = { length, id };
      for (const entries of [
        [fileOf('a', [wrong])],
        // Beside the right one: in the same file, in another.
        [fileOf('a', [right, wrong])],
        [fileOf('a', [right]), fileOf('b', [wrong])],
      ]) {
        const sending = craft(entries, [chunk]);
        await assert.rejects(receive(store, sending), refuses('integrity'));
        assert.deepEqual(store.meta.missingBlobs(VOLSET, [sending.id]), [sending.id]);
        assert.equal(store.blob.reader(VOLSET).has(KIND.chunk, id)[0], 0, 'nothing of it was kept');
      }
    }
  });

  it('refuses a chunk with another length than it has in the base, at the same path', async () => {
    const chunk = Buffer.from('twelve bytes');
    const id = objectHash(KIND.chunk, chunk);
    const base = craft([fileOf('a', [{ length: 12, id }])], [chunk]);
    const baseRoot = (base.entries.at(-1) as { bytes: Uint8Array }).bytes;
    const body = decodeSnapshotBody(baseRoot, VOLSET);
    await receive(store, base);
    store.meta.commit(VOLSET, [{ edit: 'snapshot', id: base.id, body, blob: true }]);
    const next = craft(
      [
        fileOf('a', [
          { length: 12, id },
          { length: 5, id },
        ]),
      ],
      [],
    );
    next.snapshots[0].base = base.id;
    await assert.rejects(receive(store, next), refuses('integrity'));
  });

  it('refuses a wrong length in a long list of extents', async () => {
    const chunks = Array.from({ length: 200 }, (_, n) => Buffer.from(`chunk number ${n}`));
    const extents = chunks.map((bytes) => ({ length: bytes.length, id: objectHash(KIND.chunk, bytes) }));
    const listed = (list: typeof extents): Sending => {
      const nodes: Uint8Array[] = [];
      const putNode = (bytes: Uint8Array): NodeId => {
        nodes.push(Uint8Array.from(bytes));
        return objectHash(KIND.node, bytes).toString('hex') as NodeId;
      };
      const content = manifest.buildList({ putNode }, list);
      const size = list.reduce((sum, { length }) => sum + length, 0);
      const sending = craft([{ path: 'a' as PathKey, kind: 'file', mode: 0o644, mtime: 1n, size, content }], chunks);
      const loose = nodes.map((bytes) => ({ kind: KIND.node, id: objectHash(KIND.node, bytes), bytes }));
      return { ...sending, entries: [...blockEntries(loose), ...sending.entries] };
    };
    assert.equal((await receive(ownStore(), listed(extents))).chunks, 200);
    const wrong = extents.with(150, { ...extents[150], length: 3 });
    await assert.rejects(receive(store, listed(wrong)), refuses('integrity'));
  });

  it('refuses totals that are not those of the tree', async () => {
    const chunk = Buffer.from('twelve bytes');
    const file = fileOf('a', [{ length: 12, id: objectHash(KIND.chunk, chunk) }]);
    const dir: Entry = { path: 'dir' as PathKey, kind: 'dir', mode: 0o755, mtime: 0n, size: 0 };
    const link: Entry = {
      path: 'link' as PathKey,
      kind: 'symlink',
      mode: 0,
      mtime: 0n,
      size: 0,
      target: Buffer.from('a'),
    };
    const entries = [file, dir, link];
    await receive(ownStore(), craft(entries, [chunk], { files: 1, bytes: 12 }));
    for (const totals of [{ files: 0 }, { files: 3 }, { bytes: 11 }, { bytes: 2 ** 50 }]) {
      const sending = craft(entries, [chunk], totals);
      await assert.rejects(receive(store, sending), refuses('integrity'));
      assert.deepEqual(store.meta.missingBlobs(VOLSET, [sending.id]), [sending.id]);
    }
  });

  it('keeps nothing that no snapshot of the stream needs', async () => {
    const stray: Loose[] = [KIND.chunk, KIND.node, KIND.snapshot].map((kind) => {
      const bytes = Buffer.from(`stray ${kind}`);
      return { kind, id: objectHash(kind, bytes), bytes };
    });
    // Among needed ones, and in blocks of their own.
    const sending = { ...good(), entries: [...blockEntries([...objects, ...stray]), marker(made)] };
    sending.entries.unshift(...blockEntries(stray.slice(0, 1)));
    assert.deepEqual((await receive(store, sending)).snapshots, [made.id]);
    const reader = store.blob.reader(VOLSET);
    for (const { kind, id } of objects) assert.equal(reader.has(kind, id)[0], 1);
    for (const { kind, id } of stray) assert.equal(reader.has(kind, id)[0], 0, `kind ${kind}`);
  });

  it('does not trust a base that is not complete here', async () => {
    const next = await makeSnapshot(sender, { ...someTree(60), more: 'more' }, [made.id], 2);
    const old = new Set(objects.map(({ kind, id }) => `${kind}${Buffer.from(id).toString('hex')}`));
    const fresh = objectsOf(sender, next).filter(
      ({ kind, id }) => !old.has(`${kind}${Buffer.from(id).toString('hex')}`),
    );
    const sending: Sending = {
      entries: [...blockEntries(fresh), marker(next)],
      snapshots: [{ id: next.id, base: made.id }],
    };
    await assert.rejects(receive(store, sending), refuses('integrity'));
    await receive(store, good());
    store.meta.commit(VOLSET, [{ edit: 'snapshot', id: made.id, body: made.body, blob: true }]);
    assert.deepEqual((await receive(store, sending)).snapshots, [next.id]);
  });

  it('keeps what was whole when a later snapshot is not, and says so', async () => {
    const next = await makeSnapshot(sender, { ...someTree(60), more: 'more' }, [made.id], 2);
    const sending: Sending = {
      entries: [...good().entries, marker(next)],
      snapshots: [...alone(made.id), { id: next.id, base: made.id }],
    };
    await assert.rejects(receive(store, sending), (error: unknown) => {
      assert.ok(error instanceof PlaitError);
      assert.equal(error.code, 'integrity');
      assert.deepEqual(error.data, { published: [made.id] });
      return true;
    });
    assert.deepEqual(store.meta.missingBlobs(VOLSET, [made.id, next.id]), [next.id]);
  });

  it('makes nothing visible of a stream that is cut or damaged, wherever that is', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.integer({ min: 0, max: 255 }),
        async (where, flip) => {
          const fresh = ownStore();
          const change = (stream: Buffer): Uint8Array => {
            // All but the end mark of tar, behind which nothing counts.
            const at = Math.floor(where * (stream.length - 1025));
            if (flip === 0) return stream.subarray(0, at);
            stream[at] ^= flip;
            return stream;
          };
          const outcome = await receive(fresh, { ...good(), change }).catch((error: unknown) => error);
          const complete = fresh.meta.missingBlobs(VOLSET, [made.id]).length === 0;
          if (complete) {
            manifest.check(fresh.blob.reader(VOLSET), made.body.root);
            const reader = fresh.blob.reader(VOLSET);
            for (const { kind, id, bytes } of objects)
              assert.deepEqual(Buffer.from(reader.readObject(kind, id)), Buffer.from(bytes));
          } else {
            assert.ok(outcome instanceof PlaitError, String(outcome));
          }
        },
      ),
      { numRuns: 150 },
    );
  });

  it('passes on a failure of the commit, and nothing is marked complete', async () => {
    const failing: TestStore = {
      blob: store.blob,
      meta: Object.create(store.meta, {
        setBlobs: {
          value: () => {
            throw new PlaitError('busy', 'locked');
          },
        },
        findSnapshot: { value: store.meta.findSnapshot.bind(store.meta) },
      }),
    };
    await assert.rejects(receive(failing, good()), refuses('busy'));
    assert.deepEqual(store.meta.missingBlobs(VOLSET, [made.id]), [made.id]);
  });
});
