/** What was read of a history, and what is read of it again, is the history. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { SnapshotId, StoreId } from '../../src/core/ids.ts';
import { HistoryList } from '../../src/page/graph/history-list.ts';
import { tagsOf } from '../../src/page/graph/tags.ts';
import type { HistoryPage, HistoryRow } from '../../src/wire/views.ts';

const id = (n: number): SnapshotId => `s${n}` as SnapshotId;

/** Parents of each, by number: a child has a higher number than its parents, and was made later. */
type Graph = number[][];

/** As a hub answers: from the tips, the newest first. */
function page(graph: Graph, from: readonly SnapshotId[], limit: number): HistoryPage {
  const waiting = new Set(from.map((text) => Number(text.slice(1))));
  const rows: HistoryRow[] = [];
  while (waiting.size > 0 && rows.length < limit) {
    const next = Math.max(...waiting);
    waiting.delete(next);
    for (const parent of graph[next]) waiting.add(parent);
    rows.push(row(next, graph[next]));
  }
  return { revision: 1, rows, next: [...waiting].map(id) };
}

const row = (n: number, parents: number[], description: string | null = null): HistoryRow => ({
  ...{ id: id(n), parents: parents.map(id), created: n, creator: 'x', name: null, description },
  ...{ bytes: 1, files: 1, hasBlob: true, tips: [] },
});

const shown = (list: HistoryList): string[] => list.rows.map((each) => each.id);

const graphs = fc
  .array(fc.uniqueArray(fc.integer({ min: 1, max: 6 }), { maxLength: 2 }), { minLength: 1, maxLength: 40 })
  .map((all): Graph => all.map((steps, n) => steps.map((step) => n - step).filter((parent) => parent >= 0)));
const tipsOf = (graph: Graph): fc.Arbitrary<SnapshotId[]> =>
  fc.uniqueArray(fc.nat(graph.length - 1), { minLength: 1, maxLength: 4 }).map((tips) => tips.map(id));

const cases = graphs.chain((graph) =>
  fc.record({
    graph: fc.constant(graph),
    before: tipsOf(graph),
    after: tipsOf(graph),
    limit: fc.integer({ min: 1, max: 12 }),
    pages: fc.nat(5),
  }),
);

function read(graph: Graph, tips: SnapshotId[], limit: number, pages: number): HistoryList {
  const list = new HistoryList();
  list.append(page(graph, tips, limit));
  for (let i = 0; i < pages && list.next.length > 0; i++) list.append(page(graph, list.next, limit));
  return list;
}

describe('page: what was read of a history', () => {
  it('pages make the whole, each snapshot once', () => {
    fc.assert(
      fc.property(cases, ({ graph, before, limit }) => {
        const whole = page(graph, before, Number.POSITIVE_INFINITY).rows.map((each) => each.id);
        assert.deepEqual(shown(read(graph, before, limit, Number.POSITIVE_INFINITY)), whole);
      }),
    );
  });

  it('after tips moved anyhow, the first page read again leads to the history as it is now', () => {
    fc.assert(
      fc.property(cases, ({ graph, before, after, limit, pages }) => {
        const list = read(graph, before, limit, pages);
        const had = new Set(shown(list));
        const first = page(graph, after, limit);
        const { added } = list.joinFirst(first);
        assert.equal(added, first.rows.filter((each) => !had.has(each.id)).length);
        while (list.next.length > 0) list.append(page(graph, list.next, limit));
        const whole = page(graph, after, Number.POSITIVE_INFINITY).rows.map((each) => each.id);
        assert.deepEqual(shown(list), whole);
        for (const [i, each] of shown(list).entries()) assert.equal(list.indexOf(each), i);
      }),
    );
  });

  it('a new snapshot on top keeps what was read below', () => {
    const graph: Graph = Array.from({ length: 50 }, (_, n) => (n === 0 ? [] : [n - 1]));
    const list = read(graph, [id(48)], 10, 2);
    const joined = list.joinFirst(page(graph, [id(49)], 10));
    assert.deepEqual(joined, { added: 1, anew: false });
    assert.equal(list.rows.length, 31);
  });

  it('what was read again replaces what stood there', () => {
    const list = read([[], [0]], [id(1)], 10, 0);
    list.patch([row(0, [], 'better'), row(7, [], 'not here')]);
    assert.deepEqual(
      list.rows.map(({ description }) => description),
      [null, 'better'],
    );
  });
});

describe('page: branches at a snapshot', () => {
  it('are the own ones, then those of remotes and of members that are none, with whose they are', () => {
    const own = [
      { name: 'main', tip: 'a' },
      { name: 'empty', tip: null },
    ];
    const tips = [{ branch: 'main', tip: id(1) }];
    const [laptop, hub] = ['1', '2'].map((digit) => `${digit.repeat(32)}.1` as StoreId);
    const members = [
      { label: 'laptop', store: laptop, tips },
      { label: 'hub.example', store: hub, tips },
    ];
    const tags = tagsOf(own, members, [{ name: 'origin', store: hub, tips }]);
    assert.deepEqual(
      [...tags],
      [
        ['a', [{ branch: 'main', store: null }]],
        [
          's1',
          [
            { branch: 'main', store: 'origin' },
            { branch: 'main', store: 'laptop' },
          ],
        ],
      ],
    );
  });
});
