/** The beginning of an answer: never less than there should be, never more than was wanted. */
import assert from 'node:assert/strict';
import { firstBytes } from '../../src/page/tree/first-bytes.ts';

/** Pieces of these lengths; `left` is told whether the rest was given up. */
function answerOf(pieces: number[], left: () => void = () => {}): Response {
  const rest = [...pieces];
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        const length = rest.shift();
        if (length === undefined) controller.close();
        else controller.enqueue(new Uint8Array(length).fill(7));
      },
      cancel: left,
    },
    { highWaterMark: 0 },
  );
  return new Response(body);
}

describe('page: the beginning of an answer', () => {
  const table: [what: string, pieces: number[], most: number, size: number, length: number][] = [
    ['all of it', [3, 4], 10, 7, 7],
    ['exactly as much as was wanted', [5, 5], 10, 10, 10],
    ['a part', [6, 6, 6], 10, 18, 10],
    ['nothing', [], 10, 0, 0],
  ];
  for (const [what, pieces, most, size, length] of table)
    it(what, async () => {
      const bytes = await firstBytes(answerOf(pieces), most, size);
      assert.deepEqual([bytes.length, bytes.every((byte) => byte === 7)], [length, true]);
    });

  it('gives up the rest of what is long, and reads what is short to its end', async () => {
    let left = 0;
    await firstBytes(
      answerOf([6, 6, 6, 6], () => left++),
      10,
      24,
    );
    assert.equal(left, 1);
    await firstBytes(
      answerOf([6, 4], () => left++),
      10,
      10,
    );
    assert.equal(left, 1);
  });

  for (const [what, pieces, most, size] of [
    ['cut', [3], 10, 7],
    ['cut before the part that was wanted', [3], 4, 7],
    ['longer than told', [3, 5], 10, 7],
  ] as const)
    it(`fails: ${what}`, () => assert.rejects(firstBytes(answerOf([...pieces]), most, size), { code: 'network' }));
});
