/** Summaries of volsets: what they cost when nothing moved, and that nothing is missed when something did. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { SnapshotId, VolsetId } from '../../src/core/ids.ts';
import { snapshotKey } from '../../src/core/register.ts';
import type { HubMeta } from '../../src/hub/contract.ts';
import { pointsOf } from '../../src/hub/views/points.ts';
import { SizeSeries } from '../../src/hub/views/size-series.ts';
import { Summaries } from '../../src/hub/views/summaries.ts';
import type { MetaStore } from '../../src/meta/index.ts';
import { addSnapshot, grow, memoryStore, seed, snapshotOf, V } from '../meta/helpers.ts';
import { seeded } from '../support/seed.ts';
import { counted, hubStore, OTHER } from './views-support.ts';

const summariesOf = (meta: HubMeta): Summaries => new Summaries({ meta, data: undefined });

describe('summaries of volsets', () => {
  let store: MetaStore;
  let summaries: Summaries;
  let since: () => Record<string, number>;
  beforeEach(() => {
    store = hubStore();
    const { meta, since: asked } = counted(store);
    summaries = summariesOf(meta);
    since = asked;
  });
  afterEach(() => {
    summaries[Symbol.dispose]();
    store[Symbol.dispose]();
  });
  const read = () => summaries.read([V, OTHER]);

  it('cost one look as long as nothing moves', async () => {
    const first = await read();
    since();
    const again = await read();
    assert.deepEqual(since(), { heads: 1 });
    assert.equal(again.get(V), first.get(V));
    assert.equal(again.get(OTHER)?.view.branches, 1);
  });

  it('are read once for all who ask at once', async () => {
    await Promise.all(Array.from({ length: 50 }, read));
    const { heads = 0, volsetSummary, blobSizes } = since();
    assert.ok(heads <= 2, `${heads} looks`);
    assert.deepEqual({ volsetSummary, blobSizes }, { volsetSummary: 2, blobSizes: 3 });
  });

  it('of one that moved are read anew, from where they were read up to', async () => {
    await read();
    since();
    grow(store);
    store.cut(V);
    const found = await read();
    assert.deepEqual(since(), { heads: 1, volsetSummary: 1, blobSizes: 2 });
    assert.deepEqual([found.get(V)?.series.sum, found.get(V)?.view.snapshots], [4, 2]);
  });

  it('of one with edits that are not cut are read each time', async () => {
    await read();
    grow(store);
    assert.equal((await read()).get(V)?.view.snapshots, 2);
    grow(store);
    assert.equal((await read()).get(V)?.view.snapshots, 3);
  });

  it('of one that was deleted, or never was, are none', async () => {
    await read();
    store.commit(V, [{ edit: 'delete', object: 'volset' }]);
    store.cut(V);
    assert.deepEqual([...(await read()).keys()], [OTHER]);
    assert.deepEqual([...(await summaries.read(['ee'.repeat(16) as never])).keys()], []);
  });

  it('of one that moves while it is read are read on from there, not beside it', async () => {
    const { meta } = counted(store);
    const from: number[] = [];
    const begun = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    const slow = {
      ...pick(meta),
      volsetSummary: (id: VolsetId) => meta.volsetSummary(id),
      blobSizes: async (...page: Parameters<HubMeta['blobSizes']>) => {
        from.push(page[1]);
        begun.resolve();
        await goOn.promise;
        return meta.blobSizes(...page);
      },
    };
    using slowly = new Summaries({ meta: slow, data: undefined });
    const first = slowly.read([V]);
    await begun.promise;
    grow(store);
    store.cut(V);
    const second = slowly.read([V]);
    await new Promise(setImmediate);
    goOn.resolve();
    const found = await Promise.all([first, second]);
    assert.equal(from.filter((after) => after === 0).length, 1, from.join(' '));
    assert.equal(found[1].get(V)?.series.sum, 4);
  });

  it('that could not be read are asked for again', async () => {
    const { meta } = counted(store);
    let fails = true;
    const failing = {
      ...pick(meta),
      volsetSummary: async (id: VolsetId) => {
        if (fails) throw new Error('disk on fire');
        return meta.volsetSummary(id);
      },
    };
    using shaky = new Summaries({ meta: failing, data: undefined });
    await assert.rejects(shaky.read([V]), /disk on fire/);
    fails = false;
    assert.equal((await shaky.read([V])).get(V)?.view.name, 'data');
  });
});

const pick = (meta: HubMeta) => ({
  self: meta.self,
  heads: () => meta.heads(),
  blobSizes: (...args: Parameters<HubMeta['blobSizes']>) => meta.blobSizes(...args),
});

const KINDS = ['add', 'add', 'add', 'record', 'data', 'forget', 'damage', 'heal', 'drop', 'renumber'] as const;
const steps = fc.array(fc.record({ kind: fc.constantFrom(...KINDS), which: fc.nat(20), bytes: fc.nat(100) }), {
  minLength: 1,
  maxLength: 30,
});
type Step = typeof steps extends fc.Arbitrary<(infer S)[]> ? S : never;

/** Does one thing to a snapshot, or to one that is new. */
class Sizes {
  readonly store = memoryStore();
  readonly #made: ReturnType<typeof snapshotOf>[] = [];
  #known = new Set<SnapshotId>();

  constructor() {
    seed(this.store);
  }

  take({ kind, which, bytes }: Step): void {
    const { store } = this;
    const made = this.#made[which % Math.max(1, this.#made.length)];
    if (kind === 'add' || kind === 'record' || kind === 'data' || !made) this.#add(kind, made, bytes);
    else if (kind === 'forget') {
      if (store.findSnapshot(V, made.id)) store.commit(V, [{ edit: 'delete', object: snapshotKey(made.id) }]);
    } else if (kind === 'damage' || kind === 'heal') store.setDamaged(V, [made.id], kind === 'damage');
    else if (kind === 'drop') store.dropBlobs(V, [made.id]);
    else store.renumber(V, [made.id]);
  }

  /** Record and data may come in any order. */
  #add(kind: string, old: ReturnType<typeof snapshotOf> | undefined, bytes: number): void {
    const made = kind !== 'add' && old ? old : snapshotOf([], { bytes, created: bytes });
    if (!this.#made.includes(made)) this.#made.push(made);
    if (kind === 'data') this.store.setBlobs(V, [made.id]);
    else if (!this.#known.has(made.id)) this.store.commit(V, [addSnapshot(made, kind === 'add')]);
    if (kind !== 'data') this.#known.add(made.id);
  }

  /** What is here, each looked at by itself. */
  here(): { at: number; bytes: number }[] {
    return this.store
      .snapshotPage(V, null, 1000)
      .map((id) => this.store.findSnapshot(V, id))
      .filter((view) => view?.hasBlob)
      .map((view) => ({ at: view?.body.created as number, bytes: view?.body.bytes as number }));
  }
}

describe('sizes of snapshots over time', () => {
  it('read on after any change are those of the snapshots that are here', async () => {
    const check = fc.asyncProperty(steps, async (taken) => {
      const sizes = new Sizes();
      using store = sizes.store;
      let series: SizeSeries | undefined;
      for (const step of taken) {
        sizes.take(step);
        series = await SizeSeries.read(series, async (after, waiting) => store.blobSizes(V, after, waiting, 2));
        const here = sizes.here();
        const points = series.points(500);
        const bySize = (a: { at: number; bytes: number }, b: { at: number; bytes: number }) =>
          a.at - b.at || a.bytes - b.bytes;
        assert.deepEqual(points.map(({ at, bytes }) => ({ at, bytes })).sort(bySize), here.sort(bySize));
        assert.equal(
          series.sum,
          here.reduce((sum, { bytes }) => sum + bytes, 0),
        );
        assert.equal(points.at(-1)?.logical, series.sum);
      }
    });
    await fc.assert(check, seeded(60));
  });

  it('of what was taken away between two pages are right the next time', async () => {
    const sizes = new Sizes();
    using store = sizes.store;
    for (const bytes of [1, 2, 3]) sizes.take({ kind: 'add', which: 0, bytes });
    let pages = 0;
    const read = async (after: number, waiting: SnapshotId[]) => {
      if (++pages === 2) sizes.take({ kind: 'drop', which: 0, bytes: 0 });
      return store.blobSizes(V, after, waiting, 2);
    };
    const meanwhile = await SizeSeries.read(undefined, read);
    const later = await SizeSeries.read(meanwhile, read);
    const sum = (all: { bytes: number }[]): number => all.reduce((so, { bytes }) => so + bytes, 0);
    assert.equal(later.sum, sum(sizes.here()));
    assert.equal(later.points(500).length, sizes.here().length);
  });

  for (const [length, max] of [
    [0, 500],
    [1, 500],
    [500, 500],
    [501, 500],
    [750, 500],
    [10_000, 500],
    [10_001, 2],
  ]) {
    it(`of ${length} values ${Math.min(length, max)} are shown, the first and the last among them`, () => {
      const shown = pointsOf(length, max);
      assert.equal(shown.length, Math.min(length, max));
      if (length > 0) assert.deepEqual([shown[0], shown.at(-1)], [0, length - 1]);
      const gaps = shown.slice(1).map((at, i) => at - shown[i]);
      assert.ok(Math.max(0, ...gaps) <= Math.ceil((length - 1) / (max - 1)) + 1, 'evenly');
    });
  }
});
