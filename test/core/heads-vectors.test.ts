import assert from 'node:assert/strict';
import fc from 'fast-check';
import { areRivals, follows, headOf, type KnownWrite, unfollowed } from '../../src/core/heads.ts';
import type { GenerationHash, StoreId, WriteId } from '../../src/core/ids.ts';
import type { Vector } from '../../src/core/records.ts';
import { isField, parseObject, parseRegister, registerKey } from '../../src/core/register.ts';
import { checkVector, compareVectors, heldOf, mergeVectors, missingRanges } from '../../src/core/vector.ts';

const stamp = (n: number): string => n.toString(16).padStart(16, '0');
/** Writes in creation order: each with parents among the earlier ones and a stamp above theirs. */
const history = fc
  .array(
    fc.record({
      parents: fc.array(fc.nat(), { maxLength: 3 }),
      lead: fc.nat(3),
      value: fc.constantFrom('x', 'y', null),
    }),
    {
      minLength: 1,
      maxLength: 12,
    },
  )
  .map((rows) => {
    const writes: KnownWrite[] = [];
    rows.forEach(({ parents, lead, value }, i) => {
      const chosen = i === 0 ? [] : [...new Set(parents.map((p) => writes[p % i]))];
      const above = Math.max(0, ...chosen.map((w) => Number.parseInt(w.stamp, 16)));
      writes.push({ id: `w${i}` as WriteId, stamp: stamp(above + 1 + lead), parents: chosen.map((w) => w.id), value });
    });
    return writes;
  });

describe('core: heads', () => {
  it('are the same in whatever order the writes became known', () => {
    fc.assert(
      fc.property(history, fc.infiniteStream(fc.nat()), (writes, order) => {
        const shuffled = writes.map((w) => [order.next().value, w] as const).sort((a, b) => a[0] - b[0]);
        assert.equal(headOf(shuffled.map(([, w]) => w))?.id, headOf(writes)?.id);
      }),
    );
  });
  it('are followed by nothing, and all other writes precede an unfollowed one', () => {
    fc.assert(
      fc.property(history, (writes) => {
        const lookup = (id: WriteId) => writes.find((w) => w.id === id);
        const tops = unfollowed(writes);
        assert.ok(!writes.some((w) => tops.some((top) => follows(w, top, lookup))));
        for (const w of writes) assert.ok(tops.includes(w) || tops.some((top) => follows(top, w, lookup)));
        assert.deepEqual(tops[0], headOf(writes));
        for (const top of tops.slice(1)) assert.ok(top.stamp <= tops[0].stamp);
      }),
    );
  });
  it('`follows` is the closure of parents', () => {
    fc.assert(
      fc.property(history, (writes) => {
        const lookup = (id: WriteId) => writes.find((w) => w.id === id);
        const above = new Map<WriteId, Set<WriteId>>();
        for (const w of writes)
          above.set(w.id, new Set(w.parents.flatMap((p) => [p, ...(above.get(p) as Set<WriteId>)])));
        for (const a of writes) for (const b of writes) assert.equal(follows(a, b, lookup), above.get(a.id)?.has(b.id));
      }),
    );
  });
  const [a, b, c] = [
    { id: 'a', stamp: stamp(1), parents: [], value: 'x' },
    { id: 'b', stamp: stamp(2), parents: [], value: 'y' },
    { id: 'c', stamp: stamp(3), parents: ['a'], value: 'x' },
  ] as unknown as KnownWrite[];
  const lookup = (id: WriteId) => [a, b, c].find((w) => w.id === id);
  const rows: [string, KnownWrite, KnownWrite, boolean][] = [
    ['side by side, other values', a, b, true],
    ['one follows the other', a, c, false],
    ['the same write', a, a, false],
    ['side by side, same value', c, { ...b, value: 'x' }, false],
    ['side by side with a later one', b, c, true],
  ];
  for (const [what, one, other, expected] of rows) {
    it(`${what}: ${expected ? 'rivals' : 'no rivals'}`, () => {
      assert.equal(areRivals(one, other, lookup), expected);
      assert.equal(areRivals(other, one, lookup), expected);
    });
  }
});

const store = (n: number) => `${n.toString(16).repeat(32)}.1` as StoreId;
const vectorOf = (counts: number[]): Vector =>
  Object.fromEntries(
    counts.flatMap((g, i) =>
      g > 0 ? [[store(i), { generation: g, hash: g.toString().padStart(64, '0') as GenerationHash }]] : [],
    ),
  );
const anyVector = fc.array(fc.nat(4), { minLength: 3, maxLength: 3 }).map(vectorOf);

describe('core: generation vectors', () => {
  it('merging covers both, in either order, and is idempotent', () => {
    fc.assert(
      fc.property(anyVector, anyVector, (a, b) => {
        const merged = mergeVectors(a, b);
        assert.deepEqual({ ...merged }, { ...mergeVectors(b, a) });
        assert.deepEqual(missingRanges(a, merged).concat(missingRanges(b, merged)), []);
        assert.deepEqual(mergeVectors(merged, a), merged);
      }),
    );
  });
  it('ranges say exactly what is missing; comparing mirrors', () => {
    const mirror = { equal: 'equal', ahead: 'behind', behind: 'ahead', concurrent: 'concurrent' };
    fc.assert(
      fc.property(anyVector, anyVector, (a, b) => {
        for (const { store: id, from, to } of missingRanges(a, b)) {
          assert.deepEqual([from, to], [heldOf(b, id) + 1, heldOf(a, id)]);
        }
        assert.equal(mirror[compareVectors(a, b)], compareVectors(b, a));
        assert.equal(compareVectors(a, b) === 'equal', missingRanges(a, b).length + missingRanges(b, a).length === 0);
      }),
    );
  });
  for (const value of [
    null,
    [],
    { x: 1 },
    { [store(1)]: { generation: 0, hash: '0'.repeat(64) } },
    { [store(1)]: { generation: 1 } },
  ]) {
    it(`refuses ${JSON.stringify(value)}`, () => assert.throws(() => checkVector(value), { code: 'protocol' }));
  }
});

describe('core: register keys', () => {
  const branch = `branch:${'a'.repeat(32)}`;
  const rows: [string, ReturnType<typeof parseRegister>][] = [
    ['volset:name', { object: 'volset', field: 'name' }],
    [`${branch}:name`, { object: branch, field: 'name' }],
    [`snapshot:${'b'.repeat(64)}:attr:a:b c`, { object: `snapshot:${'b'.repeat(64)}`, field: 'attr:a:b c' }],
    ['volset:attr:__proto__', { object: 'volset', field: 'attr:__proto__' }],
    [`conflict:${'c'.repeat(64)}:resolved`, { object: `conflict:${'c'.repeat(64)}`, field: 'resolved' }],
    [`conflict:${'c'.repeat(64)}:name`, undefined],
    [`conflict:${'c'.repeat(32)}:resolved`, undefined],
    ['volset:resolved', undefined],
    ['volset', undefined],
    ['volset:', undefined],
    ['volset:tip', undefined],
    ['volset:attr:\n', undefined],
    [`volset:attr:${'é'.repeat(128)}`, undefined],
    ['branch:name', undefined],
    [`${branch.toUpperCase()}:name`, undefined],
    [`snapshot:${'b'.repeat(32)}:name`, undefined],
  ];
  for (const [key, expected] of rows) {
    it(`${JSON.stringify(key).slice(0, 60)}: ${expected ? 'read' : 'refused'}`, () => {
      assert.deepEqual(parseRegister(key), expected);
      if (expected) assert.equal(registerKey(expected.object, expected.field), key);
    });
  }
  it('objects and fields are told from anything else', () => {
    assert.equal(parseObject(undefined), undefined);
    assert.equal(parseObject('volset:x'), undefined);
    assert.ok(isField('owner') && !isField('Owner') && !isField('attr:\ud800'));
  });
});
