import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { PlaitError } from '../../src/core/errors.ts';
import { makeGeneration, NO_GENERATION } from '../../src/core/generation.ts';
import { type ChainId, type StoreId, storeOf, type WriteId } from '../../src/core/ids.ts';
import type { ChainPoint } from '../../src/core/peer.ts';
import { type Generation, type PastRecord, pastOf, recordId, type Vector, type Write } from '../../src/core/records.ts';
import { type Applied, type MetaStore, openMetaStore, type Round, rebuildMeta } from '../../src/meta/index.ts';
import { V } from './helpers.ts';

/** What `from` answers, as a session asks for it: once more with points where histories part. */
function ask(to: MetaStore, from: MetaStore): { round: Round; repeats: number } {
  let chains: Record<StoreId, ChainPoint[]> | undefined;
  for (let repeats = 0; ; repeats++) {
    assert.ok(repeats <= 1, 'asked more than twice');
    const forked = ((): StoreId[] | Round => {
      try {
        const { vector, refs, revision, cursor } = from.planDeltas(V, to.vector(V), 0, chains);
        const round = { peer: from.self.store, generations: pages(from, cursor), vector, refs, revision };
        const found = to.inspect(V, round);
        return found.forked.length > 0 ? found.forked : round;
      } catch (error) {
        if (!(error instanceof PlaitError) || error.data?.['reason'] !== 'fork') throw error;
        return error.data['stores'] as StoreId[];
      }
    })();
    if (!Array.isArray(forked)) return { round: forked, repeats };
    chains = to.chainPoints(V, forked);
  }
}

function pages(from: MetaStore, first: string): Generation[] {
  const generations: Generation[] = [];
  for (let cursor: string | undefined = first; cursor !== undefined; ) {
    const page = from.readDeltas(V, cursor);
    generations.push(...page.generations);
    cursor = page.cursor;
  }
  return generations;
}

function pull(to: MetaStore, from: MetaStore): Applied {
  from.cut(V);
  to.cut(V);
  return to.apply(V, ask(to, from).round);
}

function quiet(stores: readonly MetaStore[]): void {
  for (let round = 0; round < 2; round++)
    for (const to of stores) for (const from of stores) if (to !== from) pull(to, from);
}

function assertAlike(stores: readonly MetaStore[]): void {
  for (const meta of stores) {
    assert.deepEqual(meta.vector(V), stores[0].vector(V));
    assert.deepEqual(meta.findVolset(V)?.attrs, stores[0].findVolset(V)?.attrs);
    assert.deepEqual(meta.verify(), []);
    assert.equal(meta.planDeltas(V, stores[0].vector(V), 0).generations, 0);
  }
}

const memory = (): MetaStore => openMetaStore({ path: ':memory:' });
const edit = (meta: MetaStore, key: string): void => {
  meta.commit(V, [{ edit: 'set', register: `volset:attr:${key}`, value: key }]);
  meta.cut(V);
};
const keysOf = (meta: MetaStore): string[] => Object.keys(meta.findVolset(V)?.attrs ?? {}).sort();

const writers = ['1', '2', '3'].map((digit) => `${digit.repeat(32)}.1` as StoreId);

/** Behind `previous`, with one write to a register of its own. */
function generationBehind(previous: Generation | undefined, store: StoreId, mark: number): Generation {
  const register = `volset:attr:k${mark}`;
  const stamp = `0000000${(mark + 1).toString(16).padStart(5, '0')}0000`;
  const record: Write = { type: 'write', register, value: `${mark}`, parents: [], stamp, author: store };
  return makeGeneration(V, store, (previous?.generation ?? 0) + 1, previous?.hash ?? NO_GENERATION, [record]);
}

/** A forest of generations, parents first; mostly lines, with a fork now and then, also at the very beginning. */
const forest = fc.array(fc.tuple(fc.nat(99), fc.nat(2)), { minLength: 3, maxLength: 30 }).map((steps) => {
  const all: Generation[] = [];
  steps.forEach(([step, writer], mark) => {
    const before = all.filter(({ store }) => store === writers[writer]);
    const previous = step % 4 ? before.at(-1) : before[step % (before.length + 1)];
    all.push(generationBehind(previous, writers[writer], mark));
  });
  return all;
});

describe('metadata: forked chains', () => {
  const steps = fc.array(fc.record({ to: fc.nat(2), from: fc.nat(2), portion: fc.nat(12) }), { maxLength: 12 });

  it('three stores that met any parts of any forest agree on all of it, and nothing is refused', () => {
    fc.assert(
      fc.property(forest, fc.array(fc.nat(2), { minLength: 30, maxLength: 30 }), steps, (all, owners, moves) => {
        const stores = [memory(), memory(), memory()];
        try {
          for (const meta of stores) meta.apply(V, { peer: writers[0], generations: [] });
          // Each tip goes to one store, with all that stands in front of it, in random portions from there on.
          all.forEach((generation, i) => {
            const owner = stores[owners[i]];
            for (const before of lineOf(all, generation)) owner.apply(V, { peer: before.store, generations: [before] });
          });
          for (const { to, from, portion } of moves) {
            if (to === from) continue;
            const { round } = ask(stores[to], stores[from]);
            const { peer, generations } = round;
            stores[to].apply(V, { peer, generations: generations.slice(0, portion) });
          }
          quiet(stores);
          assertAlike(stores);
          assert.equal(keysOf(stores[0]).length, all.length);
          const rebuilt = memory();
          const shuffled = [...all].reverse().map((generation) => ({ volset: V, generation }));
          assert.deepEqual(rebuildMeta(rebuilt, shuffled), { generations: all.length, left: [] });
          assert.deepEqual(rebuilt.vector(V), stores[0].vector(V));
          rebuilt[Symbol.dispose]();
        } finally {
          for (const meta of stores) meta[Symbol.dispose]();
        }
      }),
      { numRuns: 60 },
    );
  }).timeout(60_000);

  it('a fork while somebody pages through an answer changes nothing of it', () => {
    const [hub, meta] = [memory(), memory()];
    const line: Generation[] = [];
    for (let i = 0; i < 12; i++) line.push(big(line.at(-1), i));
    const own = line.slice(0, 4);
    hub.apply(V, { peer: writers[1], generations: line });
    meta.apply(V, { peer: writers[1], generations: own });
    const { cursor, generations } = hub.planDeltas(V, meta.vector(V), 0);
    const first = hub.readDeltas(V, cursor);
    assert.ok(first.cursor && first.generations.length < generations);
    const forks = [generationBehind(line[5], writers[0], 500), generationBehind(line[9], writers[0], 501)];
    for (const fork of forks) hub.apply(V, { peer: writers[2], generations: [fork] });
    assert.equal(Object.keys(hub.vector(V)).length, 5);
    const got = [...first.generations, ...pages(hub, first.cursor)];
    assert.deepEqual(
      got.map(({ hash }) => hash),
      line.slice(4).map(({ hash }) => hash),
    );
    for (const store of [hub, meta]) store[Symbol.dispose]();
  });

  it('generations of one number are told apart in the outbox', () => {
    const meta = memory();
    const first = generationBehind(undefined, writers[0], 1);
    const [x, y] = [generationBehind(first, writers[0], 2), generationBehind(first, writers[0], 3)];
    meta.apply(V, { peer: writers[1], generations: [first, x, y] });
    for (const generation of [first, y]) meta.markPacked([{ ...generation, volset: V }]);
    assert.deepEqual(
      meta.unpackedGenerations(9).map(({ generation }) => generation),
      [x],
    );
    meta[Symbol.dispose]();
  });
});

describe('metadata: generations that were compacted', () => {
  const write = (i: number, parents: Write['parents']): Write => ({
    type: 'write',
    register: 'volset:description',
    value: `${i}`,
    parents,
    stamp: `000000000000000${i}`,
    author: writers[0],
  });
  const w1 = write(1, []);
  const w2 = write(2, [recordId(w1) as WriteId]);
  const g1 = makeGeneration(V, writers[0], 1, NO_GENERATION, [w1, w2]);
  const dropped = pastOf(w1);
  const past: Generation = { ...g1, records: [dropped, w2] };
  const again = makeGeneration(V, writers[1], 1, NO_GENERATION, [w1]);

  it('are taken, passed on and rebuilt like any other; what they dropped is past wherever it comes up', () => {
    const [meta, next, rebuilt] = [memory(), memory(), memory()];
    assert.deepEqual(meta.apply(V, { peer: writers[0], generations: [past] }).conflicts, []);
    assert.equal(meta.apply(V, { peer: writers[0], generations: [g1] }).generations, 0);
    assert.deepEqual(meta.apply(V, { peer: writers[1], generations: [again] }).changed, []);
    next.apply(V, { peer: writers[0], generations: [] });
    pull(next, meta);
    const found = [again, past].map((generation) => ({ volset: V, generation }));
    assert.deepEqual(rebuildMeta(rebuilt, found), { generations: 2, left: [] });
    for (const store of [meta, next, rebuilt]) {
      assert.equal(store.findVolset(V)?.description, '2');
      assert.deepEqual(store.vector(V), meta.vector(V));
      assert.deepEqual(store.verify(), []);
    }
    assert.deepEqual(pages(next, next.planDeltas(V, {}, 0).cursor), [past, again]);
    for (const store of [meta, next, rebuilt]) store[Symbol.dispose]();
  });
  const lies: [string, Partial<PastRecord>][] = [
    ['what they say', { what: pastOf(w2).what }],
    ['what they follow', { parents: [recordId(again.records[0]) as WriteId] }],
    ['when they were made', { stamp: '0000000000000000' }],
    ['who made them', { author: writers[1] }],
  ];
  for (const [what, change] of lies) {
    it(`are refused where somebody lies about those that were dropped: ${what}`, () => {
      const meta = memory();
      const round = { peer: writers[0], policy: 'target' } as const;
      const lie = { ...past, records: [{ ...dropped, ...change }, w2] };
      assert.throws(() => meta.apply(V, { ...round, generations: [lie] }), { code: 'integrity' });
      assert.equal(meta.findVolset(V), undefined);
      assert.equal(meta.apply(V, { ...round, generations: [past] }).generations, 1);
      meta[Symbol.dispose]();
    });
  }
});

function big(previous: Generation | undefined, i: number): Generation {
  const one = generationBehind(previous, writers[0], i);
  const records = Array.from(
    { length: 300 },
    (_, k) => ({ ...one.records[0], register: `volset:attr:${i}.${k}` }) as Write,
  );
  return makeGeneration(V, one.store, one.generation, one.previous, records);
}

function lineOf(all: readonly Generation[], tip: Generation): Generation[] {
  const before = all.find(({ store, hash }) => store === tip.store && hash === tip.previous);
  return before ? [...lineOf(all, before), tip] : [tip];
}

describe('metadata: what a peer lost', () => {
  const line: Generation[] = [];
  for (let i = 0; i < 5; i++) line.push(generationBehind(line.at(-1), writers[0], i));
  const fork = generationBehind(line[2], writers[0], 9);
  const other = generationBehind(undefined, writers[1], 10);
  const vectorOf = (...tips: [string, Generation][]): Vector =>
    Object.fromEntries(tips.map(([chain, { generation, hash }]) => [chain, { generation, hash }]));
  const [S, T] = writers;
  const split: [string, Generation][] = [
    [S, line[2]],
    [`${S}/${line[3].hash}`, line[4]],
    [`${S}/${fork.hash}`, fork],
  ];

  const rows: [string, Vector, Vector | undefined, Generation[], { forked: StoreId[]; lost: number }][] = [
    ['nothing is told', {}, vectorOf([S, line[4]]), [], { forked: [], lost: 0 }],
    ['it holds what it held', vectorOf([S, line[4]]), vectorOf([S, line[4]]), [], { forked: [], lost: 0 }],
    ['it lost two', vectorOf([S, line[4]]), vectorOf([S, line[2]]), [], { forked: [], lost: 2 }],
    ['it lost a store', vectorOf([S, line[4]], [T, other]), vectorOf([S, line[4]]), [], { forked: [], lost: 1 }],
    ['it lost all', vectorOf([S, line[4]], [T, other]), {}, [], { forked: [], lost: 6 }],
    ['it says nothing', vectorOf([S, line[4]]), undefined, [], { forked: [], lost: 0 }],
    ['its chain has another name now', vectorOf([S, line[4]]), vectorOf(...split), [fork], { forked: [], lost: 0 }],
    ['it went on from an earlier state', vectorOf([S, line[4]]), vectorOf([S, fork]), [fork], { forked: [], lost: 2 }],
    ['histories part', vectorOf([S, line[4]], [T, other]), vectorOf([S, fork]), [], { forked: [S], lost: 1 }],
  ];
  for (const [what, told, vector, generations, expected] of rows) {
    it(what, () => {
      const meta = memory();
      meta.apply(V, { peer: T, generations: [...line, other] });
      const before = meta.vector(V);
      assert.deepEqual(meta.inspect(V, { generations, ...(vector && { vector }) }, told), expected);
      assert.deepEqual(meta.vector(V), before);
      meta[Symbol.dispose]();
    });
  }
  it('a round that does not hold together is refused before it is applied', () => {
    const meta = memory();
    assert.equal(meta.knowsVolset(V), false);
    const refused: [Generation[], Vector | undefined, string][] = [
      [[line[1]], undefined, 'protocol'],
      [[{ ...line[0], hash: line[1].hash }], undefined, 'integrity'],
      [[line[0]], vectorOf([S, line[1]]), 'protocol'],
      [[line[0]], { x: 1 } as never, 'protocol'],
    ];
    for (const [generations, vector, code] of refused)
      assert.throws(() => meta.inspect(V, { generations, ...(vector && { vector }) }), { code });
    assert.deepEqual(meta.inspect(V, { generations: line, vector: vectorOf([S, line[4]]) }), { forked: [], lost: 0 });
    assert.deepEqual(meta.chainPoints(V, [S]), { [S]: [] });
    meta[Symbol.dispose]();
  });
});

/**
 * A store whose file is put back in place byte by byte: nothing about it tells that it is an earlier state, or that its
 * copy lives on.
 */
class Restorable {
  readonly #path: string;
  meta: MetaStore;

  constructor(dir: string, name: string) {
    this.#path = join(dir, name);
    this.meta = openMetaStore({ path: this.#path, create: true });
  }

  /** The file as it is now. */
  save(): Buffer {
    this.meta[Symbol.dispose]();
    const bytes = readFileSync(this.#path);
    this.meta = openMetaStore({ path: this.#path });
    return bytes;
  }

  restore(bytes: Buffer): void {
    this.meta[Symbol.dispose]();
    writeFileSync(this.#path, bytes);
    this.meta = openMetaStore({ path: this.#path });
  }
}

describe('metadata: restored backups and copies that nothing gives away', () => {
  let dir: string;
  let a: Restorable;
  let others: MetaStore[];
  let backup: Buffer;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'plait-chains-'));
    a = new Restorable(dir, 'meta.db');
    others = [memory(), memory()];
    a.meta.commit(V, [{ edit: 'create-volset', name: 'data', creator: 'ada' }]);
    a.meta.cut(V);
    for (const key of ['2', '3']) edit(a.meta, key);
    for (const meta of others) meta.apply(V, { peer: writers[0], generations: [] });
    backup = a.save();
  });
  afterEach(() => {
    for (const meta of [a.meta, ...others]) meta[Symbol.dispose]();
    rmSync(dir, { recursive: true });
  });

  const scenarios: [string, string[], boolean, number][] = [
    ['uses numbers again', ['4b'], true, 3],
    ['uses numbers again, and the peer meets it first', ['4b'], false, 3],
    ['overtakes the peer', ['4b', '5b', '6b', '7b', '8b', '9b'], true, 3],
    ['overtakes the peer, and the peer meets it first', ['4b', '5b', '6b', '7b', '8b', '9b'], false, 3],
    ['makes nothing of its own', [], true, 1],
  ];
  for (const [what, keys, asks, chains] of scenarios) {
    it(`a restored backup ${what}`, () => {
      const store = a.meta.self.store;
      for (const key of ['4', '5']) edit(a.meta, key);
      pull(others[0], a.meta);
      a.restore(backup);
      for (const key of keys) edit(a.meta, key);
      assert.equal(a.meta.self.store, store);
      if (asks) pull(a.meta, others[0]);
      else pull(others[0], a.meta);
      quiet([a.meta, ...others]);
      assertAlike([a.meta, ...others]);
      assert.deepEqual(keysOf(a.meta), ['2', '3', '4', '5', ...keys].sort());
      assert.notEqual(a.meta.self.store, store);
      edit(a.meta, 'later');
      quiet([a.meta, ...others]);
      assertAlike([a.meta, ...others]);
      const names = Object.keys(a.meta.vector(V)) as ChainId[];
      assert.equal(names.filter((name) => storeOf(name) === store).length, chains);
      assert.equal(a.meta.vector(V)[a.meta.self.store].generation, 1);
    });
  }

  it('a copy of a store is met by others first; both go on under other epochs, and nothing is lost', () => {
    const store = a.meta.self.store;
    for (const key of ['4', '5']) edit(a.meta, key);
    pull(others[0], a.meta);
    const original = a.save();
    a.restore(backup);
    edit(a.meta, 'copy');
    pull(others[1], a.meta);
    const copy = a.save();
    // The third parties meet, with neither of the two there.
    quiet(others);
    assertAlike(others);
    assert.deepEqual(keysOf(others[0]), ['2', '3', '4', '5', 'copy']);
    const epochs = [original, copy].map((bytes, i) => {
      a.restore(bytes);
      edit(a.meta, `last of ${i}`);
      quiet([a.meta, ...others]);
      edit(a.meta, `new of ${i}`);
      quiet([a.meta, ...others]);
      assertAlike([a.meta, ...others]);
      return a.meta.self.store;
    });
    assert.equal(new Set([store, ...epochs]).size, 3);
    const expected = ['2', '3', '4', '5', 'copy', 'last of 0', 'last of 1', 'new of 0', 'new of 1'];
    assert.deepEqual(keysOf(others[1]), expected);
  });

  it('a dry run leaves the epoch alone', () => {
    const store = a.meta.self.store;
    edit(a.meta, '4');
    pull(others[0], a.meta);
    a.restore(backup);
    const { round } = ask(a.meta, others[0]);
    const told = a.meta.apply(V, { ...round, dryRun: true });
    assert.deepEqual([told.generations, a.meta.self.store, a.meta.vector(V)[store].generation], [1, store, 3]);
    assert.equal(a.meta.apply(V, round).generations, 1);
    assert.notEqual(a.meta.self.store, store);
  });
});
