/** Every line of the graph leads to the parent that it was drawn for, in a lane of its own. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type GraphRow, type Laid, Lanes, MAX_LANES } from '../../src/page/graph/lanes.ts';

const lay = (rows: GraphRow[], most?: number): Laid[] => {
  const lanes = new Lanes(most);
  return rows.map((row) => lanes.add(row));
};

/** Any history, newest first: a row's parents are any of those after it. */
const histories = (longest: number): fc.Arbitrary<GraphRow[]> =>
  fc
    .array(fc.uniqueArray(fc.integer({ min: 1, max: 30 }), { maxLength: 3 }), { maxLength: longest })
    .map((all) => all.map((steps, i) => ({ id: `s${i}`, parents: steps.map((step) => `s${i + step}`) })));

/** The same, where clocks let some stand above their children. */
const shuffled = histories(40).chain((rows) =>
  fc.shuffledSubarray(rows, { minLength: rows.length, maxLength: rows.length }),
);

const isParent = (row: GraphRow, target: string): boolean => row.parents.includes(target);

/** Follows all lines from row to row, and gives back those that are still on their way at the end. */
function follow(rows: GraphRow[], laid: Laid[], fold: number): Set<string> {
  let open = new Map<number, string>();
  let folded = new Set<string>();
  rows.forEach((row, i) => {
    const { column, edges, above } = laid[i];
    const next = new Map<number, string>();
    const inFold = new Set(folded);
    const drawn = new Set<string>(above);
    for (const { from, to, target } of edges) {
      if (target === undefined) {
        assert.deepEqual([from, to], [fold, fold]);
        continue;
      }
      if (from === fold) assert.ok(inFold.delete(target), `${target} was not in the folded lane`);
      else if (from !== 'node') {
        assert.equal(open.get(from), target);
        open.delete(from);
      } else {
        assert.ok(isParent(row, target));
        drawn.add(target);
      }
      if (to === 'node') assert.deepEqual([target, from], [row.id, column], 'a line ends at what it leads to');
      else if (to === fold) inFold.add(target);
      else {
        assert.ok(next.get(to) === undefined || next.get(to) === target, 'one line a lane');
        next.set(to, target);
      }
    }
    assert.equal(open.size, 0, 'no line ends on the way');
    assert.deepEqual([...drawn].sort(), [...new Set(row.parents)].sort(), 'a line for each parent');
    open = next;
    folded = inFold;
  });
  return new Set([...open.values(), ...folded]);
}

describe('page: lanes of the history graph', () => {
  const table: [what: string, rows: [id: string, ...parents: string[]][], columns: number[]][] = [
    ['a line', [['c', 'b'], ['b', 'a'], ['a']], [0, 0, 0]],
    ['a merge', [['m', 'a', 'b'], ['b', 'o'], ['a', 'o'], ['o']], [0, 1, 0, 0]],
    ['two tips of one parent', [['x', 'o'], ['y', 'o'], ['o']], [0, 1, 0]],
    ['a first line that is read later stays at its place', [['m', 'a'], ['x', 'o'], ['a', 'o'], ['o']], [0, 1, 0, 0]],
    ['a lane is used again', [['x', 'o'], ['y', 'o'], ['z', 'o'], ['o']], [0, 1, 1, 0]],
    ['roots of their own', [['a'], ['b']], [0, 0]],
    ['a parent above its child', [['a'], ['b', 'a']], [0, 0]],
  ];
  for (const [what, rows, columns] of table)
    it(what, () => {
      const laid = lay(rows.map(([id, ...parents]) => ({ id, parents })));
      assert.deepEqual(
        laid.map(({ column }) => column),
        columns,
      );
    });

  it('every line leads to its parent, and none shares a lane with another', () => {
    fc.assert(
      fc.property(fc.oneof(histories(60), shuffled), fc.constantFrom(2, 3, 5, MAX_LANES), (rows, most) => {
        const laid = lay(rows, most);
        const ids = new Set(rows.map(({ id }) => id));
        const left = follow(rows, laid, most - 1);
        const outside = new Set(rows.flatMap(({ parents }) => parents).filter((id) => !ids.has(id)));
        assert.deepEqual(left, outside);
        for (const { column, width } of laid) assert.ok(column < width && width <= most);
      }),
    );
  });

  it('what comes later changes nothing of what was laid', () => {
    fc.assert(
      fc.property(histories(40), fc.nat(40), (rows, cut) => {
        assert.deepEqual(lay(rows).slice(0, cut), lay(rows.slice(0, cut)));
      }),
    );
  });

  it('two hundred branches at once stay within the lanes', () => {
    const tips = Array.from({ length: 200 }, (_, i) => ({ id: `t${i}`, parents: [`p${i}`] }));
    const laid = lay([...tips, ...tips.map(({ parents }) => ({ id: parents[0], parents: [] }))]);
    assert.equal(Math.max(...laid.map(({ width }) => width)), MAX_LANES);
    assert.equal(Math.max(...laid.map(({ edges }) => edges.length)), MAX_LANES + 1);
  });
});
