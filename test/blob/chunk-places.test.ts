/** The pack's directory must answer what the index would, and never more than that. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { ChunkPlaces } from '../../src/blob/chunk-places.ts';
import type { BlobStore } from '../../src/blob/contract.ts';
import { IndexDb } from '../../src/blob/index-db.ts';
import { packPath } from '../../src/blob/pack-scan.ts';
import { KIND, objectHash } from '../../src/core/hash.ts';
import type { VolsetId } from '../../src/core/ids.ts';
import { noise } from './noise.ts';
import { TempStore } from './temp-store.ts';

const A = 'a'.repeat(32) as VolsetId;
const B = 'b'.repeat(32) as VolsetId;
/** Enough that most are found after the directory was read. */
const COUNT = 900;
const chunk = (seed: number): Buffer => noise(seed, 50);
const idOf = (seed: number): Buffer => objectHash(KIND.chunk, chunk(seed));
const seeds = (from: number, count = COUNT): number[] => Array.from({ length: count }, (_, n) => from + n);

async function put(store: BlobStore, volset: VolsetId, numbers: number[]): Promise<void> {
  await using writer = store.writer(volset);
  for (const seed of numbers) writer.putObject(KIND.chunk, chunk(seed));
  await writer.finish();
}

const openIndexOf = (temp: TempStore): IndexDb =>
  new IndexDb(path.join(temp.dir, 'index.db'), { lockWaitMs: 1000, random: () => 0.5 });

function expected(index: IndexDb, packsDir: string, volset: VolsetId, id: Uint8Array) {
  const found = index.find(volset, KIND.chunk, id);
  return (
    found && { pack: packPath(packsDir, found.place.volset, found.place.pack), block: found.block, raw: found.raw }
  );
}

describe('blob: places of chunks', () => {
  let temp: TempStore;
  let packsDir: string;
  beforeEach(() => {
    temp = new TempStore();
    packsDir = path.join(temp.dir, 'packs');
  });
  afterEach(() => temp[Symbol.asyncDispose]());

  it('are those of the index, whichever way they are found', async () => {
    const store = await temp.open();
    for (const from of [0, 10_000, 20_000]) await put(store, A, seeds(from));
    const index = openIndexOf(temp);
    const places = new ChunkPlaces(A, index, packsDir);
    const order = [...seeds(0), ...seeds(10_000), ...seeds(20_000), ...seeds(0), 77, 10_077, 20_077, 99_999];
    for (const seed of order) {
      const id = idOf(seed);
      assert.deepEqual(places.find(id), expected(index, packsDir, A, id));
    }
    await index.close();
  });

  it('come from the index where the directory cannot be read', async () => {
    const store = await temp.open();
    await put(store, A, seeds(0));
    const index = openIndexOf(temp);
    const [pack] = store.packs(A);
    const file = packPath(packsDir, A, pack.pack);
    fs.truncateSync(file, fs.statSync(file).size - 10);
    const places = new ChunkPlaces(A, index, packsDir);
    for (const seed of seeds(0)) {
      const id = idOf(seed);
      assert.deepEqual(places.find(id), expected(index, packsDir, A, id));
    }
    await index.close();
  });

  it("of another volset's pack are only those that were borrowed", async () => {
    const store = await temp.open();
    await put(store, A, seeds(0));
    const some = seeds(0).filter((seed) => seed % 2 === 0);
    await store.borrow(
      A,
      B,
      some.map((seed) => ({ kind: KIND.chunk, id: idOf(seed) })),
    );
    const index = openIndexOf(temp);
    const places = new ChunkPlaces(B, index, packsDir);
    for (const seed of some) assert.ok(places.find(idOf(seed)));
    for (const seed of seeds(0)) assert.equal(places.find(idOf(seed)) !== undefined, seed % 2 === 0);
    await index.close();
  });
});
