import assert from 'node:assert/strict';
import fc from 'fast-check';
import { PlaitError } from '../../src/core/errors.ts';
import type { Interval } from '../../src/core/intervals.ts';
import type { Generation, Ref } from '../../src/core/records.ts';
import { decodeDeltas, encodeDeltas } from '../../src/wire/deltas.ts';
import { MAX_INTERVALS } from '../../src/wire/limits.ts';
import { decodePush, encodePush } from '../../src/wire/push.ts';
import { BRANCH, rejectsWith, SELF, sampleHistory } from '../hub/support.ts';

const { generations } = sampleHistory();
const vector = { [SELF]: { generation: 2, hash: generations[1].hash } };
const SPEAKER = { self: SELF, label: 'laptop', vector };
const sealed: Interval[] = [
  [1, 3],
  [7, 7],
];
const refs: Ref[] = [{ branch: BRANCH, snapshot: null, revision: 3 }];
const each = async function* <T>(items: Iterable<T>): AsyncGenerator<T> {
  yield* items;
};
const bytesOf = async (stream: AsyncIterable<Uint8Array>): Promise<Buffer> =>
  Buffer.concat(await Array.fromAsync(stream));
const encode = (which: Generation[] = generations, some = refs): Promise<Buffer> =>
  bytesOf(encodeDeltas({ refs: some, generations: each(which), vector, revision: 3, sealed }));

/** The whole message, cut into pieces of the given sizes. */
async function decodeAll(bytes: Buffer, sizes: number[] = []) {
  const pieces: Buffer[] = [];
  let at = 0;
  for (const size of sizes) {
    pieces.push(bytes.subarray(at, at + size));
    at += size;
  }
  pieces.push(bytes.subarray(at));
  const answer = await decodeDeltas(each(pieces));
  const received = await Array.fromAsync(answer.generations);
  return { refs: answer.refs, generations: received, trailer: await answer.trailer() };
}

describe('wire: deltas stream', () => {
  it('comes back as it went, however it is cut into pieces', async () => {
    const bytes = await encode();
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 200 }), { maxLength: 30 }), async (sizes) => {
        assert.deepEqual(await decodeAll(bytes, sizes), {
          refs,
          generations,
          trailer: { vector, revision: 3, generations: 2, sealed },
        });
      }),
      { numRuns: 100 },
    );
  });

  it('carries thousands of refs in bounded lines', async () => {
    const many = Array.from({ length: 2500 }, (_, i) => ({
      ...refs[0],
      branch: i.toString(16).padStart(32, '0') as never,
    }));
    const bytes = await encode([], many);
    assert.deepEqual((await decodeAll(bytes)).refs, many);
    assert.equal(bytes.toString().split('\n').length, 1 + 3 + 1 + 1);
  });

  it('cut anywhere, it is never taken for whole', async () => {
    const bytes = await encode();
    for (let length = 0; length < bytes.length; length += 7) {
      await assert.rejects(decodeAll(bytes.subarray(0, length)), rejectsWith('network'), String(length));
    }
  });

  it('with any byte changed, it is refused: a PlaitError, never another value', async () => {
    const bytes = await encode();
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 2), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
        const changed = Buffer.from(bytes);
        changed[at] ^= flip;
        const result = await decodeAll(changed).catch((error: unknown) => error);
        if (result instanceof PlaitError) return;
        // The trailer's own vector and revision are covered by what applies them, not by the digest before them.
        assert.ok(!(result instanceof Error), String(result));
        assert.deepEqual((result as { generations: unknown }).generations, generations);
        assert.ok(at > bytes.lastIndexOf('{"trailer"'));
      }),
      { numRuns: 400 },
    );
  });

  it('random bytes are refused', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
        await assert.rejects(decodeAll(Buffer.from(bytes)), PlaitError);
      }),
    );
  });

  it('a failure of the sender travels in the stream, anything unknown without its text', async () => {
    const failing = (error: Error) =>
      bytesOf(
        encodeDeltas({
          refs,
          vector,
          revision: 3,
          sealed,
          generations: (async function* () {
            yield generations[0];
            throw error;
          })(),
        }),
      );
    await assert.rejects(
      decodeAll(await failing(new PlaitError('integrity', 'bad row'))),
      rejectsWith('integrity', /^remote: bad row$/),
    );
    const hidden = await failing(new Error('secret'));
    assert.ok(!hidden.toString().includes('secret'));
    await assert.rejects(decodeAll(hidden), rejectsWith('unexpected'));
  });

  it('stopping early lets go of the source, and the trailer then says why it is not there', async () => {
    let open = true;
    const bytes = await encode();
    const source = async function* () {
      try {
        yield bytes.subarray(0, bytes.length - 10);
        yield bytes.subarray(bytes.length - 10);
      } finally {
        open = false;
      }
    };
    const answer = await decodeDeltas(source());
    for await (const _ of answer.generations) break;
    assert.equal(open, false);
    await assert.rejects(answer.trailer(), rejectsWith('protocol'));
  });

  it('has the bytes that docs/protocol.md shows', async () => {
    const golden = await bytesOf(
      encodeDeltas({ refs: [], generations: each([]), vector: {}, revision: 0, sealed: [] }),
    );
    assert.equal(
      golden.toString(),
      '{"deltas":{"protocol":1,"refs":0}}\n' +
        '{"trailer":{"vector":{},"revision":0,"generations":0,"digest":"3b593b2c0efe50dcbe7c030b21796eb3db9e8772f62ea352862d09ad11671af9"}}\n',
    );
  });
});

describe('wire: sealed numbers in the trailer', () => {
  const answer = (told: unknown): Promise<Buffer> =>
    bytesOf(encodeDeltas({ refs: [], generations: each([]), vector: {}, revision: 0, sealed: told as Interval[] }));
  const most = Array.from({ length: MAX_INTERVALS }, (_, i): Interval => [2 * i + 1, 2 * i + 1]);

  for (const told of [[], [[1, 1]], [[1, Number.MAX_SAFE_INTEGER]], most]) {
    it(`${told.length} intervals come back`, async () => {
      assert.deepEqual((await decodeAll(await answer(told))).trailer.sealed, told);
    });
  }
  it('none take no byte', async () => assert.ok(!(await answer([])).includes('sealed')));

  const bad: [string, unknown][] = [
    ['zero', [[0, 3]]],
    ['a first behind its last', [[3, 1]]],
    [
      'falling',
      [
        [5, 6],
        [1, 2],
      ],
    ],
    [
      'touching',
      [
        [1, 2],
        [3, 4],
      ],
    ],
    [
      'overlap',
      [
        [1, 5],
        [2, 3],
      ],
    ],
    ['fractions', [[1.5, 2]]],
    ['beyond 2^53', [[1, 2 ** 53]]],
    ['text', [['1', '2']]],
    ['one end', [[1]]],
    ['three ends', [[1, 2, 3]]],
    ['too many', [...most, [2 * MAX_INTERVALS + 5, 2 * MAX_INTERVALS + 5]]],
    ['an object', { length: 1 }],
  ];
  for (const [what, told] of bad) {
    it(`refuses ${what}`, async () => {
      await assert.rejects(decodeAll(await answer(told)), rejectsWith('protocol'));
    });
  }
});

describe('wire: push stream', () => {
  it('comes back as it went', async () => {
    const push = await decodePush(each([await bytesOf(encodePush(SPEAKER, generations))]));
    assert.deepEqual({ self: push.self, label: push.label, vector: push.vector }, SPEAKER);
    assert.deepEqual(await Array.fromAsync(push.generations), generations);
  });

  it('cut anywhere, it is never taken for whole', async () => {
    const bytes = await bytesOf(encodePush(SPEAKER, generations));
    for (let length = 0; length < bytes.length; length += 13) {
      const receive = async () => Array.fromAsync((await decodePush(each([bytes.subarray(0, length)]))).generations);
      await assert.rejects(receive(), rejectsWith('network'), String(length));
    }
  });

  it('refuses what follows its trailer', async () => {
    const bytes = Buffer.concat([await bytesOf(encodePush(SPEAKER, generations)), Buffer.from('{}\n')]);
    const receive = async () => Array.fromAsync((await decodePush(each([bytes]))).generations);
    await assert.rejects(receive(), rejectsWith('protocol', /after its trailer/));
  });
});
