import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Chains, checkChainPoints, type Segment } from '../../src/core/chain.ts';
import { NO_GENERATION, partedStores, StagedGenerations } from '../../src/core/generation.ts';
import type { ChainId, GenerationHash, StoreId } from '../../src/core/ids.ts';
import type { GenerationHeader, Vector } from '../../src/core/records.ts';

const S = `${'a'.repeat(32)}.1` as StoreId;
const T = `${'b'.repeat(32)}.3` as StoreId;
const fork = (store: StoreId, { hash }: GenerationHeader): ChainId => `${store}/${hash}` as ChainId;

let made = 0;
/** Nobody here looks into a generation: its hash is a number. */
function behind(previous: GenerationHeader | undefined, store: StoreId = S): GenerationHeader {
  const hash = (++made).toString(16).padStart(64, '0') as GenerationHash;
  return {
    store,
    generation: (previous?.generation ?? 0) + 1,
    count: 1,
    previous: previous?.hash ?? NO_GENERATION,
    hash,
  };
}
function line(previous: GenerationHeader | undefined, length: number, store: StoreId = S): GenerationHeader[] {
  const headers: GenerationHeader[] = [];
  for (let i = 0; i < length; i++) headers.push(behind(headers.at(-1) ?? previous, store));
  return headers;
}

/** What a store does with its tables: places generations as `attach` says, re-keys what stands past a fork. */
class Held {
  readonly lines = new Map<ChainId, GenerationHeader[]>();
  readonly chains = new Chains(
    [],
    (chain, number) => this.lines.get(chain)?.find(({ generation }) => generation === number)?.hash,
  );

  constructor(headers: readonly GenerationHeader[] = []) {
    for (const header of headers) this.add(header);
  }

  add(header: GenerationHeader): void {
    const { chain, fork: begins, rest } = this.chains.attach(header);
    if (rest && begins) {
      const parent = this.lines.get(begins.parent) as GenerationHeader[];
      this.lines.set(rest, parent.splice(parent.findIndex(({ generation }) => generation > begins.after)));
      if (parent.length === 0) this.lines.delete(begins.parent);
    }
    this.lines.set(chain, [...(this.lines.get(chain) ?? []), header]);
  }

  get all(): GenerationHeader[] {
    return [...this.lines.values()].flat();
  }

  /** Hashes of what an asker would be sent. */
  answer(theirs: Vector, points?: Parameters<Chains['express']>[1]) {
    const { cover, assumed, parted } = this.chains.express(theirs, points);
    const sent = this.chains.missing(cover).flatMap(({ store, from, to, hash }) => {
      const path: GenerationHeader[] = [];
      for (let at = { generation: to, hash }; at.generation >= from; ) {
        const header = this.all.find((each) => each.store === store && each.hash === at.hash) as GenerationHeader;
        path.unshift(header);
        at = { generation: header.generation - 1, hash: header.previous };
      }
      return path;
    });
    return { sent, assumed, parted };
  }
}

/** The same by definition: a chain begins at the root, and at each generation that has a sibling. */
function chainsByDefinition(headers: readonly GenerationHeader[]): Record<string, string[]> {
  const lines: Record<string, string[]> = {};
  const children = (store: StoreId, hash: GenerationHash) =>
    headers.filter((header) => header.store === store && header.previous === hash);
  const walk = (header: GenerationHeader, chain: string): void => {
    lines[chain] = [...(lines[chain] ?? []), header.hash];
    const next = children(header.store, header.hash);
    for (const child of next) walk(child, next.length > 1 ? fork(child.store, child) : chain);
  };
  for (const store of new Set(headers.map((header) => header.store))) {
    const first = children(store, NO_GENERATION);
    for (const header of first) walk(header, first.length > 1 ? fork(store, header) : store);
  }
  return lines;
}

const hashes = (headers: readonly GenerationHeader[]): string[] => headers.map(({ hash }) => hash).sort();
const placed = (held: Held): Record<string, string[]> =>
  Object.fromEntries([...held.lines].map(([chain, headers]) => [chain, headers.map(({ hash }) => hash)]));

/** A tree of up to 24 generations of two stores; each number says behind which of those before it stands the next. */
const tree = fc.array(fc.tuple(fc.nat(23), fc.constantFrom(S, S, T)), { minLength: 1, maxLength: 24 }).map((steps) => {
  const headers: GenerationHeader[] = [];
  for (const [step, store] of steps) {
    const before = headers.filter((header) => header.store === store);
    // Mostly lines: forks at every second step would leave nothing between them.
    const parent = step % 3 ? before.at(-1) : before[step % (before.length + 1)];
    headers.push(behind(parent, store));
  }
  return headers;
});

/** A subset that is held without gaps: each with all in front of it. */
function closed(headers: readonly GenerationHeader[], tips: readonly number[]): GenerationHeader[] {
  const kept = new Set<GenerationHeader>();
  for (const tip of tips) {
    for (let at: GenerationHeader | undefined = headers[tip % headers.length]; at; ) {
      kept.add(at);
      const { store, previous }: GenerationHeader = at;
      at = headers.find((header) => header.store === store && header.hash === previous);
    }
  }
  return headers.filter((header) => kept.has(header));
}

describe('core: chains', () => {
  const trunk = line(undefined, 3);
  const [, s2, s3] = trunk;
  const [x4, x5] = line(s3, 2);
  const y4 = behind(s3);

  it('of a line have one name; a fork splits it, and each side is named by its first generation', () => {
    const held = new Held([...trunk, x4, x5]);
    assert.deepEqual(held.chains.vector(), { [S]: { generation: 5, hash: x5.hash } });
    assert.deepEqual(held.chains.attach(y4), {
      chain: fork(S, y4),
      fork: { parent: S, after: 3 },
      rest: fork(S, x4),
    });
    assert.deepEqual(held.chains.vector(), {
      [S]: { generation: 3, hash: s3.hash },
      [fork(S, x4)]: { generation: 5, hash: x5.hash },
      [fork(S, y4)]: { generation: 4, hash: y4.hash },
    });
  });
  it('a third one at the same place, and forks of forks, leave the names of others alone', () => {
    const held = new Held([...trunk, x4, x5, y4]);
    const before = held.chains.vector();
    const [z4, y5, q5] = [behind(s3), behind(y4), behind(x4)];
    for (const header of [z4, y5, q5]) held.add(header);
    assert.deepEqual(held.chains.vector(), {
      ...before,
      [fork(S, z4)]: { generation: 4, hash: z4.hash },
      [fork(S, y4)]: { generation: 5, hash: y5.hash },
      [fork(S, x4)]: { generation: 4, hash: x4.hash },
      [fork(S, x5)]: { generation: 5, hash: x5.hash },
      [fork(S, q5)]: { generation: 5, hash: q5.hash },
    });
  });
  it('two first generations leave the plain name without an entry', () => {
    const other = line(undefined, 2);
    const held = new Held([...trunk, ...other]);
    assert.deepEqual(Object.keys(held.chains.vector()).sort(), [fork(S, other[0]), fork(S, trunk[0])].sort());
    const third = behind(undefined);
    held.add(third);
    assert.equal(held.chains.vector()[fork(S, third)].generation, 1);
  });
  it('an earlier fork takes later ones along', () => {
    const held = new Held([...trunk, x4, y4]);
    held.add(behind(s2));
    assert.deepEqual(placed(held), chainsByDefinition(held.all));
    for (const header of [behind(s3), behind(x4), behind(s2)]) held.add(header);
    assert.deepEqual(placed(held), chainsByDefinition(held.all));
  });
  it('refuse what follows a generation that is not held', () => {
    const held = new Held(trunk);
    assert.throws(() => held.chains.attach(x5), { code: 'protocol' });
    assert.throws(() => held.chains.attach({ ...x4, previous: s2.hash }), { code: 'protocol' });
    assert.deepEqual(held.chains.vector(), new Held(trunk).chains.vector());
  });

  it('are a function of the tree, whatever came first', () => {
    fc.assert(
      fc.property(tree, fc.array(fc.nat()), (headers, picks) => {
        const waiting = [...headers];
        const held = new Held();
        for (let i = 0; waiting.length > 0; i++) {
          const ready = waiting.filter(
            ({ store, generation, previous }) => generation === 1 || held.chains.holds(store, generation - 1, previous),
          );
          const next = ready[(picks[i] ?? 0) % ready.length];
          waiting.splice(waiting.indexOf(next), 1);
          held.add(next);
        }
        assert.deepEqual(placed(held), chainsByDefinition(headers));
        const again = new Chains(segmentsOf(held.chains), () => undefined);
        assert.deepEqual(again.vector(), held.chains.vector());
      }),
    );
  });
});

const segmentsOf = (chains: Chains): Segment[] => [S, T].flatMap((store) => chains.segmentsOf(store));

describe('core: what an asker lacks, across forks', () => {
  const trunk = line(undefined, 3);
  const [, s2, s3] = trunk;
  const x = line(s3, 3);
  const y = line(s3, 2);
  const deep = line(x[1], 2);
  const z = behind(s3);

  const rows: [string, GenerationHeader[], GenerationHeader[], GenerationHeader[] | 'parted', StoreId[]][] = [
    ['it has nothing', [], [...trunk, ...x, ...y], [...trunk, ...x, ...y], []],
    ['it is behind, before the fork', trunk.slice(0, 2), [...trunk, ...x, ...y], [s3, ...x, ...y], []],
    ['it knows one side only, and no fork', [...trunk, ...x], [...trunk, ...x, ...y], y, []],
    ['it knows a part of one side', [...trunk, x[0]], [...trunk, ...x, ...y], [...x.slice(1), ...y], []],
    ['it knows the fork, we one side', [...trunk, ...x, ...y], [...trunk, ...y], [], []],
    ['both know other forks', [...trunk, x[0], ...y], [...trunk, ...x, ...deep], [...x.slice(1), ...deep], []],
    ['it is ahead', [...trunk, ...x], [...trunk, x[0]], [], [S]],
    ['it overtook us on another line', [...trunk, ...x], [...trunk, y[0]], [], [S]],
    ['our line is longer, or as long', [...trunk, ...y], [...trunk, ...x], 'parted', []],
    ['it is ahead of one of our lines, who knows which', [...trunk, ...x], [...trunk, x[0], ...y], 'parted', []],
    ['another first generation, longer here', line(undefined, 2), trunk, 'parted', []],
    ['a fork that begins with what we lack', [...trunk, ...x, ...y], [...trunk, z], [z], []],
    ['a fork further down on its side', [...trunk, ...x, ...y], [...trunk, x[0], ...line(x[0], 3)], 'parted', []],
    ['a fork before all of its forks', [...trunk, ...x, ...y], [...trunk.slice(0, 2), ...line(s2, 4)], 'parted', []],
  ];
  for (const [what, theirs, ours, expected, assumed] of rows) {
    it(what, () => {
      const asker = new Held(theirs);
      const answerer = new Held(ours);
      const answer = answerer.answer(asker.chains.vector());
      if (expected === 'parted') {
        assert.deepEqual(answer.parted, [S]);
      } else {
        assert.deepEqual([hashes(answer.sent), answer.assumed, answer.parted], [hashes(expected), assumed, []]);
      }
      const repeated = answerer.answer(asker.chains.vector(), { [S]: asker.chains.points(S) });
      assert.deepEqual([repeated.assumed, repeated.parted], [[], []]);
      for (const header of ours) assert.ok(theirs.includes(header) || repeated.sent.includes(header));
    });
  }

  it('nothing is lacking that nobody notices, and with points nothing is lacking', () => {
    const tips = fc.array(fc.nat(), { maxLength: 4 });
    fc.assert(
      fc.property(tree, tips, tips, (headers, a, b) => {
        const asker = new Held(closed(headers, a));
        const answerer = new Held(closed(headers, b));
        const lacking = answerer.all.filter((header) => !asker.all.includes(header));
        const vector = asker.chains.vector();
        const { sent, assumed, parted } = answerer.answer(vector);
        const missed = lacking.filter((header) => !sent.includes(header));
        for (const { store } of missed) assert.ok(assumed.includes(store) || parted.includes(store));
        if (parted.length === 0) {
          const staged = new StagedGenerations(asker.chains);
          for (const header of sent.sort((p, q) => p.generation - q.generation)) staged.add(header);
          const noticed = partedStores(staged, answerer.chains.vector());
          assert.deepEqual([...new Set(missed.map(({ store }) => store))].sort(), noticed.sort());
        }
        const unsure = [...new Set([...assumed, ...parted])];
        const points = Object.fromEntries(unsure.map((store) => [store, asker.chains.points(store)]));
        const repeated = answerer.answer(vector, points);
        assert.deepEqual([repeated.assumed, repeated.parted], [[], []]);
        for (const header of lacking) assert.ok(repeated.sent.includes(header));
        // Beyond that come at most as many as the asker has past the fork, and none of stores that are sure.
        for (const { store } of repeated.sent.filter((header) => asker.all.includes(header)))
          assert.ok(unsure.includes(store));
      }),
      { numRuns: 400 },
    );
  });
  it('points are few, and a repeat sends what is past the newest that both have', () => {
    const long = line(undefined, 1000);
    const asker = new Held([...long, ...line(long[999], 5)]);
    const answerer = new Held([...long, ...line(long[999], 6)]);
    const points = asker.chains.points(S);
    assert.ok(points.length <= 12, `${points.length} points`);
    assert.deepEqual([points[0][0], points.at(-1)?.[0]], [1005, 1]);
    const vector = asker.chains.vector();
    assert.deepEqual(answerer.answer(vector).parted, [S]);
    const { sent } = answerer.answer(vector, { [S]: points });
    assert.deepEqual([sent.length, sent[0].generation], [9, 998]);
  });
  for (const value of [
    null,
    [],
    { x: [] },
    { [S]: {} },
    { [S]: [[0, NO_GENERATION]] },
    { [S]: [[1, 'x']] },
    { [S]: [[1, NO_GENERATION, 1]] },
    { [S]: Array(100_001).fill([1, NO_GENERATION]) },
  ])
    it(`refuses ${JSON.stringify(value).slice(0, 60)} as points`, () =>
      assert.throws(() => checkChainPoints(value), { code: 'protocol' }));
});
