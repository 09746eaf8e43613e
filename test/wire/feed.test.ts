import assert from 'node:assert/strict';
import fc from 'fast-check';
import { PlaitError } from '../../src/core/errors.ts';
import type { BranchId } from '../../src/core/ids.ts';
import type { Change, FeedItem, Mark } from '../../src/core/peer.ts';
import {
  changeLines,
  errorLine,
  feedHeadLine,
  goneLine,
  HEADS_HEAD,
  HEADS_MARK,
  headLine,
  line,
  markLine,
  STOPPING,
} from '../../src/wire/feed.ts';
import { decodeFeed, decodeHeads } from '../../src/wire/feed-reader.ts';
import { MAX_LINE, REFS_PER_LINE } from '../../src/wire/limits.ts';
import { BRANCH, OTHER, rejectsWith, SELF, sampleHistory, VOLSET } from '../hub/support.ts';
import { seeded } from '../support/seed.ts';

const { generations, ids } = sampleHistory();
const vector = { [SELF]: { generation: 2, hash: generations[1].hash } };
const branchOf = (n: number): BranchId => n.toString(16).padStart(32, '0') as BranchId;
const markAt = (revision: number, blobs = 0): Mark => ({ revision, vector, blobs });
const generationAt = (revision: number, which = 0): Change => ({ revision, generation: generations[which] });
const refAt = (revision: number, branch = BRANCH): Change => ({
  revision,
  ref: { branch, snapshot: ids[0], revision },
});
const textOf = (changes: Change[]): string => [...changeLines(changes)].map(({ text }) => text).join('');

async function* inPieces(text: string, sizes: number[]): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  let at = 0;
  for (const size of sizes) {
    yield bytes.subarray(at, at + size);
    at += size;
  }
  yield bytes.subarray(at);
}

async function read(text: string, asked?: number, sizes: number[] = []) {
  const { items, ...told } = await decodeFeed(inPieces(text, sizes), asked);
  return { ...told, items: await Array.fromAsync(items) };
}

/** Changes with gaps between their revisions, and marks somewhere in between. */
const histories = fc
  .array(
    fc.record({
      step: fc.integer({ min: 1, max: 5 }),
      kind: fc.constantFrom('generation', 'ref', 'ref', 'mark'),
      blobs: fc.nat(3),
    }),
    { maxLength: 20 },
  )
  .map((steps) => {
    let revision = 7;
    return steps.map(({ step, kind, blobs }, n): FeedItem => {
      if (kind === 'mark') return { mark: markAt(revision, blobs) };
      revision += step;
      return kind === 'ref' ? refAt(revision, branchOf(n)) : generationAt(revision, n % 2);
    });
  });

/** As a hub tells them: what stands between two marks together. */
function told(items: FeedItem[]): string {
  let text = '';
  let changes: Change[] = [];
  for (const item of items) {
    if (!('mark' in item)) {
      changes.push(item);
      continue;
    }
    text += textOf(changes) + markLine(item.mark);
    changes = [];
  }
  return text + textOf(changes);
}

describe('wire: the feed of a volume set', () => {
  it('comes back as it went, however it is cut into pieces', async () => {
    const sizes = fc.array(fc.integer({ min: 0, max: 200 }), { maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(histories, sizes, async (items, sizes) => {
        const text = feedHeadLine(7, 7) + told(items) + STOPPING;
        assert.deepEqual(await read(text, 7, sizes), { after: 7, head: 7, items });
      }),
      seeded(100),
    );
  });

  it('gathers refs, names the revisions of each line, and breaks lines where they get long', () => {
    const refs = Array.from({ length: REFS_PER_LINE + 5 }, (_, i) => refAt(i + 1, branchOf(i)));
    const lines = [...changeLines([...refs, generationAt(2000), refAt(2001)])];
    assert.deepEqual(
      lines.map(({ first, last }) => [first, last]),
      [
        [1, REFS_PER_LINE],
        [REFS_PER_LINE + 1, REFS_PER_LINE + 5],
        [2000, 2000],
        [2001, 2001],
      ],
    );
  });

  const head = feedHeadLine(3, 5);
  const good = textOf([generationAt(4), refAt(5)]) + markLine(markAt(5));
  const generation = JSON.parse(textOf([generationAt(9)]).split('\n')[0]).generation;
  const rows: [string, string, string, RegExp?][] = [
    ['nothing at all', '', 'network'],
    ['another stream', '{"deltas":{"protocol":1,"refs":0}}\n', 'protocol'],
    ['another protocol', '{"feed":{"protocol":2,"after":3,"head":5}}\n', 'protocol'],
    ['a start elsewhere', feedHeadLine(4, 5), 'protocol', /begins elsewhere/],
    ['a head before its start', feedHeadLine(3, 2), 'protocol', /begins elsewhere/],
    ['a cut', `${head}${good}`, 'network', /cut off/],
    ['a cut line', `${head}${good}{"trai`, 'network', /cut off/],
    ['a revision that was told', `${head}${good}${textOf([refAt(5)])}`, 'protocol', /out of order/],
    ['a revision before the start', `${head}${textOf([generationAt(3)])}`, 'protocol', /out of order/],
    [
      'refs out of order',
      `${head}${line({
        refs: [
          { branch: BRANCH, snapshot: null, revision: 9 },
          { branch: OTHER, snapshot: null, revision: 8 },
        ],
      })}`,
      'protocol',
      /out of order/,
    ],
    ['no refs', `${head}{"refs":[]}\n`, 'protocol', /too few/],
    [
      'too many refs',
      `${head}${line({ refs: Array.from({ length: REFS_PER_LINE + 1 }, (_, i) => ({ branch: BRANCH, snapshot: null, revision: 10 + i })) })}`,
      'protocol',
      /too many/,
    ],
    ['a mark before the head', `${head}${markLine(markAt(4))}`, 'protocol', /lies behind/],
    ['a mark that goes back', `${head}${good}${textOf([refAt(9)])}${markLine(markAt(8))}`, 'protocol', /lies behind/],
    ['a change at or before a mark', `${head}${markLine(markAt(9))}${textOf([refAt(9)])}`, 'protocol', /out of order/],
    ['a mark without a vector', `${head}{"mark":{"revision":5}}\n`, 'protocol', /vector/],
    ['a polluting vector', `${head}{"mark":{"revision":5,"vector":{"__proto__":{"generation":1}}}}\n`, 'protocol'],
    [
      'a generation without a revision',
      `${head}${line({ generation: { ...generation, revision: undefined } })}`,
      'protocol',
      /revision/,
    ],
    ['a generation without its records', `${head}${line({ generation })}${markLine(markAt(9))}`, 'protocol'],
    [
      'more records than it says',
      `${head}${textOf([generationAt(9)])}${JSON.stringify(generations[0].records[0])}\n`,
      'protocol',
    ],
    ['a line that is too long', `${head}${line({ refs: 'x'.repeat(MAX_LINE) })}`, 'protocol', /longer/],
    ['nonsense', `${head}nonsense\n`, 'protocol', /JSON/],
    ['another member', `${head}{"mark":{"revision":5,"vector":{},"more":1}}\n`, 'protocol', /more/],
    ['another end', `${head}{"trailer":{"digest":"x"}}\n`, 'protocol', /trailer/],
    [
      'an error',
      `${head}${good}${errorLine(new PlaitError('compacted', 'thinned out'))}`,
      'compacted',
      /^remote: thinned/,
    ],
    [
      'an error that is none of ours',
      `${head}${errorLine(new TypeError('secret'))}`,
      'unexpected',
      /^remote: the hub failed$/,
    ],
  ];
  for (const [what, text, code, message] of rows) {
    it(`${what}: ${code}`, () => assert.rejects(read(text, 3), rejectsWith(code, message)));
  }

  it('hands over what came before the fault', async () => {
    const { items } = await decodeFeed(inPieces(`${head}${good}nonsense\n`, []), 3);
    const got: FeedItem[] = [];
    await assert.rejects(async () => {
      for await (const item of items) got.push(item);
    }, rejectsWith('protocol'));
    assert.deepEqual(got, [generationAt(4), refAt(5), { mark: markAt(5) }]);
  });

  it('where nothing was asked, begins where the store is', async () => {
    assert.deepEqual(await read(feedHeadLine(5, 5) + STOPPING), { after: 5, head: 5, items: [] });
    await assert.rejects(read(feedHeadLine(4, 5) + STOPPING), rejectsWith('protocol'));
  });
});

describe('wire: the heads of all volume sets', () => {
  const readAll = async (text: string) => Array.fromAsync(await decodeHeads(inPieces(text, [])));

  it('come back as they went', async () => {
    const text = HEADS_HEAD + headLine(VOLSET, { revision: 3, blobs: 0 }) + HEADS_MARK + goneLine(VOLSET) + STOPPING;
    assert.deepEqual(await readAll(text), [
      { volset: VOLSET, head: { revision: 3, blobs: 0 } },
      { mark: true },
      { volset: VOLSET, head: null },
    ]);
  });

  const rows: [string, string, string][] = [
    ['nothing at all', '', 'network'],
    ['the feed of one', feedHeadLine(1, 1), 'protocol'],
    ['a cut', HEADS_HEAD + HEADS_MARK, 'network'],
    ['a volume set that is none', `${HEADS_HEAD}{"head":{"volset":"../..","revision":1,"blobs":0}}\n`, 'protocol'],
    ['a negative revision', `${HEADS_HEAD}{"head":{"volset":"${VOLSET}","revision":-1,"blobs":0}}\n`, 'protocol'],
    ['another mark', `${HEADS_HEAD}{"mark":{"revision":1}}\n`, 'protocol'],
    ['another line', `${HEADS_HEAD}{"refs":[]}\n`, 'protocol'],
    ['a volume set gone that is none', `${HEADS_HEAD}{"gone":{"volset":"x"}}\n`, 'protocol'],
    ['an error', HEADS_HEAD + errorLine(new PlaitError('unauthorized', 'revoked')), 'unauthorized'],
  ];
  for (const [what, text, code] of rows) {
    it(`${what}: ${code}`, () => assert.rejects(readAll(text), rejectsWith(code)));
  }
});
