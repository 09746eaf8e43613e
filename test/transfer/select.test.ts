import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import type { Manifest, ReachedFile } from '../../src/blob/manifest/contract.ts';
import { manifest } from '../../src/blob/manifest/index.ts';
import { hex, KIND } from '../../src/core/hash.ts';
import type { NodeId } from '../../src/core/ids.ts';
import { Seen, selectMissing, type Wanted } from '../../src/transfer/select.ts';
import { seeded } from '../support/seed.ts';

const ROOT = '00'.repeat(32) as NodeId;
const FILE = { path: 'file' } as ReachedFile;

/** A chunk; `known`: the base has a file at its path. */
const chunk = (n: number, known: boolean): Wanted => ({
  kind: KIND.chunk,
  id: createHash('sha256').update(String(n)).digest(),
  length: 16_384,
  ...(known && { at: { file: FILE, index: n, offset: n * 16_384 } }),
});

/** What is selected of `refs`, and how many ids were asked for. */
async function select(refs: Wanted[], isHeld: (ref: Wanted) => boolean) {
  const held = new Set(refs.filter(isHeld).map(({ id }) => hex(id)));
  const asked: string[] = [];
  const have = async (_kind: 0 | 1, ids: Uint8Array): Promise<Uint8Array> => {
    const names = Array.from({ length: ids.length / 32 }, (_, n) => hex(ids.subarray(n * 32, n * 32 + 32)));
    asked.push(...names);
    return Uint8Array.from(names, (name) => (held.has(name) ? 1 : 0));
  };
  const tree: Manifest = { ...manifest, reachable: () => refs };
  const nodes = { readNode: () => assert.fail('no node is read') };
  const selected: string[] = [];
  for await (const window of selectMissing({ manifest: tree, nodes, root: ROOT, bases: [], seen: new Seen(), have }))
    selected.push(...window.map(({ id }) => hex(id)));
  return { selected, asked, held, missing: refs.map(({ id }) => hex(id)).filter((id) => !held.has(id)) };
}

const list = (count: number, known: (n: number) => boolean): Wanted[] =>
  Array.from({ length: count }, (_, n) => chunk(n, known(n)));

describe('selectMissing', () => {
  it('asks for few of the chunks that go as deltas where the other side holds none of them', async () => {
    const { selected, asked, missing } = await select(
      list(4000, () => true),
      () => false,
    );
    assert.deepEqual(selected, missing);
    assert.ok(asked.length <= 256, `${asked.length} asked`);
  });

  it('asks for each chunk without a counterpart, and leaves out those that are held', async () => {
    const refs = list(3000, (n) => n % 2 === 0);
    const { selected, asked, missing } = await select(refs, ({ at, id }) => !at && id[0] < 100);
    assert.deepEqual(selected, missing);
    assert.ok(asked.length >= 1500 && asked.length <= 1500 + 256, `${asked.length} asked`);
  });

  it('asks for all, each once, where some of the few are held', async () => {
    const { selected, asked, missing } = await select(
      list(4000, () => true),
      ({ id }) => id[0] < 100,
    );
    assert.deepEqual(selected, missing);
    assert.equal(asked.length, 4000);
    assert.equal(new Set(asked).size, 4000);
  });

  it('sends without asking where there is little, and asks where it is much', async () => {
    const little = await select(
      list(63, () => true),
      () => true,
    );
    assert.deepEqual([little.asked.length, little.selected.length], [0, 63]);
    const much = await select(
      list(63, () => false),
      () => true,
    );
    assert.deepEqual([much.asked.length, much.selected.length], [63, 0]);
  });

  it('never leaves out what is not held, and asks for nothing twice', async () => {
    const run = fc.record({
      start: fc.nat(1500),
      length: fc.nat(1000),
      count: fc.integer({ min: 1, max: 1500 }),
      every: fc.integer({ min: 1, max: 4 }),
    });
    await fc.assert(
      fc.asyncProperty(run, async ({ start, length, count, every }) => {
        const refs = list(count, (n) => n % every === 0);
        const place = new Map(refs.map(({ id }, n) => [id, n]));
        const inRun = ({ id }: Wanted): boolean => {
          const n = place.get(id) as number;
          return n >= start && n < start + length;
        };
        const { selected, asked, missing, held } = await select(refs, inRun);
        const sent = new Set(selected);
        assert.ok(missing.every((id) => sent.has(id)));
        assert.equal(new Set(asked).size, asked.length);
        assert.equal(sent.size, selected.length);
        // A run of held ones that the few could not see is short.
        if (count > 64) assert.ok(selected.filter((id) => held.has(id)).length <= count / 64);
      }),
      seeded(30),
    );
  });
});
