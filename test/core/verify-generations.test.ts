import assert from 'node:assert/strict';
import { PlaitError } from '../../src/core/errors.ts';
import { makeGeneration, NO_GENERATION, StagedGenerations, verifyGenerations } from '../../src/core/generation.ts';
import type { StoreId, VolsetId } from '../../src/core/ids.ts';
import type { Generation, Vector, Write } from '../../src/core/records.ts';

const volset = '1'.repeat(32) as VolsetId;
const A = `${'a'.repeat(32)}.1` as StoreId;
const B = `${'b'.repeat(32)}.2` as StoreId;
const write = (author: StoreId, value: string): Write => ({
  type: 'write',
  register: 'volset:description',
  value,
  parents: [],
  stamp: '0000000000010000',
  author,
});

function chain(store: StoreId, length: number, mark = ''): Generation[] {
  const made: Generation[] = [];
  for (let g = 1; g <= length; g++) {
    made.push(makeGeneration(volset, store, g, made.at(-1)?.hash ?? NO_GENERATION, [write(store, `${mark}${g}`)]));
  }
  return made;
}
const held = (generations: Generation[]): StagedGenerations => {
  const staged = new StagedGenerations();
  for (const generation of generations) staged.add(generation);
  return staged;
};
const upTo = (generations: Generation[]): Vector =>
  Object.fromEntries(generations.map(({ store, generation, hash }) => [store, { generation, hash }]));

describe('core: verifyGenerations', () => {
  const [a1, a2, a3] = chain(A, 3);
  const [b1, b2] = chain(B, 2);
  const [f1, f2, f3] = chain(A, 3, 'fork ');
  const behind = (before: Generation, mark: string): Generation =>
    makeGeneration(volset, A, before.generation + 1, before.hash, [write(A, mark)]);
  const [x3, y3] = [behind(a2, 'x'), behind(a2, 'y')];

  const taken: [string, Generation[], Generation[], Generation[]][] = [
    ['chains that go on, interleaved', [a1], [a2, b1, a3, b2], [a2, b1, a3, b2]],
    ['what is known already, once more', [a1, a2], [a1, a2, a3], [a3]],
    ['the same twice in one round', [a1], [a2, a2], [a2]],
    ['a fork of what is held', [a1, a2, a3], [x3], [x3]],
    ['a fork within the round, three ways', [], [a1, a2, x3, y3, a3], [a1, a2, x3, y3, a3]],
    ['a second first generation', [a1, a2], [f1, f2], [f1, f2]],
    ['a fork of a fork', [a1, a2, a3], [x3, behind(x3, 'p'), behind(x3, 'q')], [x3, behind(x3, 'p'), behind(x3, 'q')]],
  ];
  for (const [what, known, generations, fresh] of taken) {
    it(`takes ${what}`, () => {
      const round = verifyGenerations(volset, held(known), generations, upTo(generations));
      assert.deepEqual(round.fresh, fresh);
      assert.equal(round.fresh.length + round.replayed.length, generations.length);
    });
  }
  it('does not change what it was given', () => {
    const known = held([a1]);
    verifyGenerations(volset, known, [a2]);
    assert.deepEqual([known.largest(A), known.holds(A, 2, a2.hash)], [1, false]);
  });
  it('tells the newest generation that was held before', () => {
    const { staged } = verifyGenerations(volset, held([a1, a2]), [x3, behind(x3, 'p'), b1]);
    const { generation, hash } = behind(x3, 'p');
    assert.deepEqual(staged.base(A, generation, hash), { generation: 2, hash: a2.hash });
    assert.deepEqual(staged.base(A, 1, a1.hash), { generation: 1, hash: a1.hash });
    assert.equal(staged.base(B, 1, b1.hash), undefined);
    assert.equal(staged.base(A, 3, a3.hash), undefined);
  });

  const refused: [string, Generation[], unknown[], Vector | undefined, string][] = [
    ['a gap', [a1], [a3], undefined, 'protocol'],
    ['a chain that starts at 2', [], [a2], undefined, 'protocol'],
    ['generations out of order', [], [a1, a3, a2], undefined, 'protocol'],
    ['less than the trailer claims', [], [a1], upTo([a2]), 'protocol'],
    ['a store that the trailer alone knows', [], [a1], upTo([a1, b1]), 'protocol'],
    ['another hash in the trailer', [a1, a2], [], upTo([f2]), 'integrity'],
    ['a generation behind one of another history', [a1, a2], [f3], undefined, 'protocol'],
    ['a second generation that follows none', [a1], [{ ...a2, previous: NO_GENERATION }], undefined, 'protocol'],
    ['a first generation that follows one', [], [{ ...a1, previous: a2.hash }], undefined, 'protocol'],
    ['another count', [], [{ ...a1, count: 2 }], undefined, 'protocol'],
    ['no records', [], [makeGeneration(volset, A, 1, NO_GENERATION, [])], undefined, 'protocol'],
    ['number zero', [], [{ ...a1, generation: 0 }], undefined, 'protocol'],
    ['a changed record', [], [{ ...a1, records: [write(A, 'x')] }], undefined, 'integrity'],
    ['a changed hash', [], [{ ...a1, hash: a2.hash }], undefined, 'integrity'],
    ['another store under the same hash', [], [{ ...a1, store: B }], undefined, 'integrity'],
    ['an extra field', [], [{ ...a1, more: 1 }], undefined, 'protocol'],
    ['records that are no list', [], [{ ...a1, records: { length: 1 } }], undefined, 'protocol'],
    ['a huge count', [], [{ ...a1, count: 1e9 }], undefined, 'protocol'],
    ['nothing', [], [null], undefined, 'protocol'],
  ];
  for (const [what, known, generations, claimed, code] of refused) {
    it(`refuses ${what}`, () =>
      assert.throws(
        () => verifyGenerations(volset, held(known), generations, claimed),
        (error) => error instanceof PlaitError && error.code === code && error.hint !== undefined,
      ));
  }
  it('refuses a generation of another volset', () =>
    assert.throws(() => verifyGenerations('2'.repeat(32) as VolsetId, held([]), [a1]), { code: 'integrity' }));
  it('refuses more than 2 MiB of records', () => {
    const big = { ...write(A, ''), value: 'v'.repeat(64 * 1024) };
    const generation = makeGeneration(volset, A, 1, NO_GENERATION, Array(33).fill(big));
    assert.throws(() => verifyGenerations(volset, held([]), [generation]), { code: 'protocol' });
  });
});
