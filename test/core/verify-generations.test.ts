import assert from 'node:assert/strict';
import { PlaitError } from '../../src/core/errors.ts';
import { makeGeneration, NO_GENERATION, verifyGenerations } from '../../src/core/generation.ts';
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
const upTo = (generations: Generation[]): Vector =>
  Object.fromEntries(generations.map(({ store, generation, hash }) => [store, { generation, hash }]));

describe('core: verifyGenerations', () => {
  const [a1, a2, a3] = chain(A, 3);
  const [b1, b2] = chain(B, 2);
  const [, f2] = chain(A, 2, 'fork ');

  it('takes chains that go on from what is known, interleaved, and tells the vector', () => {
    const round = verifyGenerations(volset, upTo([a1]), [a2, b1, a3, b2], upTo([a3, b2]));
    assert.deepEqual(round.fresh, [a2, b1, a3, b2]);
    assert.deepEqual(round.vector, upTo([a3, b2]));
  });
  it('sets aside what is known already', () => {
    const round = verifyGenerations(volset, upTo([a2]), [a1, a2, a3]);
    assert.deepEqual([round.replayed, round.fresh], [[a1, a2], [a3]]);
  });
  it('does not change the vector that it was given', () => {
    const known = upTo([a1]);
    verifyGenerations(volset, known, [a2]);
    assert.deepEqual(known, upTo([a1]));
  });

  const refused: [string, Vector, unknown[], Vector | undefined, string][] = [
    ['a gap', upTo([a1]), [a3], undefined, 'protocol'],
    ['a chain that starts at 2', {}, [a2], undefined, 'protocol'],
    ['generations out of order', {}, [a1, a3, a2], undefined, 'protocol'],
    ['less than the trailer claims', {}, [a1], upTo([a2]), 'protocol'],
    ['a store that the trailer alone knows', {}, [a1], upTo([a1, b1]), 'protocol'],
    ['another hash in the trailer', upTo([a2]), [], upTo([f2]), 'integrity'],
    ['a fork below what is known', upTo([a2]), [f2], undefined, 'integrity'],
    ['a generation chained to another history', upTo([f2]), [a3], undefined, 'integrity'],
    ['another count', {}, [{ ...a1, count: 2 }], undefined, 'protocol'],
    ['no records', {}, [makeGeneration(volset, A, 1, NO_GENERATION, [])], undefined, 'protocol'],
    ['number zero', {}, [{ ...a1, generation: 0 }], undefined, 'protocol'],
    ['a changed record', {}, [{ ...a1, records: [write(A, 'x')] }], undefined, 'integrity'],
    ['a changed hash', {}, [{ ...a1, hash: a2.hash }], undefined, 'integrity'],
    ['another store under the same hash', {}, [{ ...a1, store: B }], undefined, 'integrity'],
    ['an extra field', {}, [{ ...a1, more: 1 }], undefined, 'protocol'],
    ['records that are no list', {}, [{ ...a1, records: { length: 1 } }], undefined, 'protocol'],
    ['a huge count', {}, [{ ...a1, count: 1e9 }], undefined, 'protocol'],
    ['nothing', {}, [null], undefined, 'protocol'],
  ];
  for (const [what, known, generations, claimed, code] of refused) {
    it(`refuses ${what}`, () =>
      assert.throws(
        () => verifyGenerations(volset, known, generations, claimed),
        (error) => error instanceof PlaitError && error.code === code && error.hint !== undefined,
      ));
  }
  it('refuses a generation of another volset', () =>
    assert.throws(() => verifyGenerations('2'.repeat(32) as VolsetId, {}, [a1]), { code: 'integrity' }));
  it('refuses more than 2 MiB of records', () => {
    const big = { ...write(A, ''), value: 'v'.repeat(64 * 1024) };
    const generation = makeGeneration(volset, A, 1, NO_GENERATION, Array(33).fill(big));
    assert.throws(() => verifyGenerations(volset, {}, [generation]), { code: 'protocol' });
  });
});
