/** Fields of the log's messages: what a hostile peer may write there, and what it may not. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { MAX_GENERATION_BYTES } from '../../src/core/generation.ts';
import type { AnyRecord, LoggedRecord } from '../../src/core/records.ts';
import { deltasAsk } from '../../src/wire/messages.ts';
import { decodePush, encodePush } from '../../src/wire/push.ts';
import { chains, label, loggedRecord, record, vector } from '../../src/wire/record-schemas.ts';
import { fault } from '../../src/wire/schema.ts';
import { decodeWrites, encodeWrites, handOverParts } from '../../src/wire/writes.ts';
import { rejectsWith, SELF, sampleHistory } from '../hub/support.ts';

const HASH = 'ab'.repeat(32);
const entry = { generation: 1, hash: HASH };
const store = (n: number): string => `${n.toString(16).padStart(32, '0')}.1`;
const many = (count: number, value: unknown) =>
  Object.fromEntries(Array.from({ length: count }, (_, n) => [store(n), value]));
const write = { type: 'write', register: 'volset:name', value: 'x', parents: [], stamp: '0'.repeat(16), author: SELF };
const past = { type: 'past', author: SELF, parents: [], stamp: '0'.repeat(16), what: HASH };
const settled = { ...write, register: `conflict:${HASH}:resolved`, value: 'current' };
const own = JSON.parse(`{"__proto__":${JSON.stringify(entry)}}`) as unknown;

describe('wire: fields of the log', () => {
  const rows: [string, Parameters<typeof fault>[0], unknown, boolean][] = [
    ['vector: a store', vector, { [SELF]: entry }, true],
    ['vector: a chain behind a fork', vector, { [`${SELF}/${HASH}`]: entry }, true],
    ['vector: two forks in one key', vector, { [`${SELF}/${HASH}/${HASH}`]: entry }, false],
    ['vector: a short hash', vector, { [`${SELF}/${HASH.slice(1)}`]: entry }, false],
    ['vector: no store before the hash', vector, { [`/${HASH}`]: entry }, false],
    ['vector: epoch 0', vector, { [SELF.replace('.1', '.0')]: entry }, false],
    ['vector: a newline behind', vector, { [`${SELF}\n`]: entry }, false],
    ['vector: upper case', vector, { [`${SELF}/${HASH.toUpperCase()}`]: entry }, false],
    ['vector: __proto__', vector, own, false],
    ['vector: generation 0', vector, { [SELF]: { ...entry, generation: 0 } }, false],
    ['vector: more in an entry', vector, { [SELF]: { ...entry, more: 1 } }, false],
    ['vector: 10,000 chains', vector, many(10_000, entry), true],
    ['vector: 10,001 chains', vector, many(10_001, entry), false],
    [
      'chains: points',
      chains,
      {
        [SELF]: [
          [1, HASH],
          [9, HASH],
        ],
      },
      true,
    ],
    ['chains: no points', chains, { [SELF]: [] }, true],
    ['chains: 1000 points', chains, { [SELF]: Array.from({ length: 1000 }, (_, n) => [n + 1, HASH]) }, true],
    ['chains: 1001 points', chains, { [SELF]: Array.from({ length: 1001 }, (_, n) => [n + 1, HASH]) }, false],
    ['chains: 100 stores', chains, many(100, []), true],
    ['chains: 101 stores', chains, many(101, []), false],
    ['chains: of a part of a history', chains, { [`${SELF}/${HASH}`]: [] }, false],
    ['chains: a point without hash', chains, { [SELF]: [[1]] }, false],
    ['chains: a point too long', chains, { [SELF]: [[1, HASH, 1]] }, false],
    ['chains: a point backwards', chains, { [SELF]: [[HASH, 1]] }, false],
    ['chains: an object as point', chains, { [SELF]: [{ 0: 1, 1: HASH }] }, false],
    ['chains: generation 0', chains, { [SELF]: [[0, HASH]] }, false],
    ['chains: half a generation', chains, { [SELF]: [[1.5, HASH]] }, false],
    ['chains: __proto__', chains, JSON.parse('{"__proto__":[]}'), false],
    ['label: none', label, '', true],
    ['label: a host name', label, 'my-laptop.local', true],
    ['label: any script', label, 'Büro λ 😀', true],
    ['label: 255 characters', label, 'x'.repeat(255), true],
    ['label: 256 characters', label, 'x'.repeat(256), false],
    ['label: an escape', label, 'a\u001b[2J', false],
    ['label: a newline', label, 'a\n', false],
    ['label: C1 controls', label, 'a\u009b2J', false],
    ['label: half a surrogate pair', label, 'a\ud800', false],
    ['label: a number', label, 5, false],
    ['record: a conflict that was settled', record, settled, true],
    ['record: a conflict without id', record, { ...settled, register: 'conflict:resolved' }, false],
    ['record: another field of a conflict', record, { ...settled, register: `conflict:${HASH}:name` }, false],
    ['record: resolved of a snapshot', record, { ...settled, register: `snapshot:${HASH}:resolved` }, false],
    ['record: an attribute of a conflict', record, { ...settled, register: `conflict:${HASH}:attr:x` }, false],
    [
      'record: a tombstone of a conflict',
      record,
      { type: 'tombstone', object: `conflict:${HASH}`, sees: [], stamp: '0'.repeat(16), author: SELF },
      false,
    ],
    ['past: in a generation', loggedRecord, past, true],
    ['past: of a resolution', loggedRecord, { ...past, resolution: true }, true],
    ['past: marked false', loggedRecord, { ...past, resolution: false }, false],
    ['past: handed over', record, past, false],
    ['past: without the hash of what it said', loggedRecord, { ...past, what: undefined }, false],
    ['past: a bad hash', loggedRecord, { ...past, what: `${HASH}0` }, false],
    ['past: without parents', loggedRecord, { ...past, parents: undefined }, false],
    ['past: with a value', loggedRecord, { ...past, value: 'x' }, false],
    ['past: without author', loggedRecord, { ...past, author: undefined }, false],
    ['past: with a hash of its own', loggedRecord, { ...past, hash: HASH }, false],
    ['past: of no known type', loggedRecord, { ...past, type: 'Past' }, false],
    ['deltas: with chains', deltasAsk, { self: SELF, vector: {}, knownRevision: 0, chains: {} }, true],
    ['deltas: chains null', deltasAsk, { self: SELF, vector: {}, knownRevision: 0, chains: null }, false],
    ['deltas: self as a chain', deltasAsk, { self: `${SELF}/${HASH}`, vector: {}, knownRevision: 0 }, false],
  ];
  for (const [what, schema, value, fine] of rows) {
    it(`${what}: ${fine ? 'fine' : 'refused'}`, () => assert.equal(fault(schema, value) === undefined, fine));
  }
});

const each = async function* <T>(...items: T[]): AsyncGenerator<T> {
  yield* items;
};
/** Lines as a stream, with a trailer that is right about them but for what `claims` says. */
function stream(first: unknown, items: unknown[], claims: object): AsyncGenerator<Buffer> {
  const text = [first, ...items].map((line) => `${JSON.stringify(line)}\n`).join('');
  const digest = createHash('sha256').update(text).digest('hex');
  return each(Buffer.from(`${text}${JSON.stringify({ trailer: { digest, ...claims } })}\n`));
}

describe('wire: header of a push', () => {
  const push = { protocol: 1, self: SELF, label: 'laptop', vector: {} };
  const rows: [string, object][] = [
    ['without label', { protocol: 1, self: SELF, vector: {} }],
    ['without vector', { protocol: 1, self: SELF, label: '' }],
    ['with a control character in its label', { ...push, label: 'a\u0007' }],
    ['with a label too long', { ...push, label: 'x'.repeat(256) }],
    ['with a vector of no stores', { ...push, vector: { me: entry } }],
    ['with a fault in its vector', { ...push, vector: { [SELF]: { generation: -1, hash: HASH } } }],
    ['with an unknown member', { ...push, owner: 'me' }],
    ['of another protocol', { ...push, protocol: 2 }],
  ];
  for (const [what, header] of rows) {
    it(`${what}: refused`, async () => {
      await assert.rejects(decodePush(stream({ push: header }, [], { generations: 0 })), rejectsWith('protocol'));
    });
  }

  it('may be as long as the longest vector, where other lines may not', async () => {
    const long = many(10_000, entry);
    const { vector: read } = await decodePush(stream({ push: { ...push, vector: long } }, [], { generations: 0 }));
    assert.equal(Object.keys(read).length, 10_000);
    const later = await decodePush(stream({ push }, [{ x: 'y'.repeat(1 << 20) }], { generations: 0 }));
    await assert.rejects(Array.fromAsync(later.generations), rejectsWith('protocol', /longer than/));
  });

  it('generations come with what was dropped from them', async () => {
    const dropped = [past, { ...past, resolution: true }] as unknown as LoggedRecord[];
    const [generation] = sampleHistory().generations;
    const sent = { ...generation, records: dropped };
    const bytes = encodePush({ self: SELF, label: '', vector: {} }, [sent]);
    assert.deepEqual(await Array.fromAsync((await decodePush(bytes)).generations), [sent]);
  });
});

describe('wire: records handed over', () => {
  const records = sampleHistory().generations.flatMap((generation) => generation.records) as AnyRecord[];
  const head = { writes: { protocol: 1, self: SELF } };
  const bytes = encodeWrites({ self: SELF, records });

  it('come back as they went, cut into any pieces', async () => {
    for (const size of [1, 7, 1000]) {
      const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
        bytes.subarray(i * size, (i + 1) * size),
      );
      assert.deepEqual(await decodeWrites(each(...pieces)), { self: SELF, records });
    }
  });

  it('cut anywhere, they are never taken for whole', async () => {
    for (let length = 0; length < bytes.length; length += 11) {
      await assert.rejects(decodeWrites(each(bytes.subarray(0, length))), rejectsWith('network'), String(length));
    }
  });

  const rows: [string, AsyncGenerator<Buffer>][] = [
    ['a trailer that counts more', stream(head, records, { records: 99 })],
    ['a trailer that counts less', stream(head, records, { records: 0 })],
    ['a trailer of other bytes', stream(head, records, { records: records.length, digest: HASH })],
    ['a trailer that counts generations', stream(head, records, { generations: records.length })],
    ['a generation among them', stream(head, sampleHistory().generations, { records: 2 })],
    ['a dropped record among them', stream(head, [past], { records: 1 })],
    ['a record with more', stream(head, [{ ...write, more: 1 }], { records: 1 })],
    ['no header', stream(write, [], { records: 0 })],
    ['the header of a push', stream({ push: { protocol: 1, self: SELF, label: '', vector: {} } }, [], { records: 0 })],
    ['a header with a label', stream({ writes: { ...head.writes, label: 'x' } }, [], { records: 0 })],
    [
      '10,001 records',
      stream(
        head,
        Array.from({ length: 10_001 }, () => write),
        { records: 10_001 },
      ),
    ],
    [
      'too many bytes',
      stream(
        head,
        Array.from({ length: 40 }, () => ({ ...write, value: 'v'.repeat(60_000) })),
        { records: 40 },
      ),
    ],
  ];
  for (const [what, source] of rows) {
    it(`${what}: refused`, () => assert.rejects(decodeWrites(source), rejectsWith('protocol')));
  }

  it('refuses what follows its trailer', async () => {
    await assert.rejects(decodeWrites(each(bytes, Buffer.from('{}\n'))), rejectsWith('protocol', /after its trailer/));
  });

  it('many go in parts, each of which is taken', async () => {
    const long = { ...write, value: 'é'.repeat(30_000) } as AnyRecord;
    for (const all of [
      Array.from({ length: 25_000 }, () => write as AnyRecord),
      Array.from({ length: 100 }, () => long),
      [],
    ]) {
      const parts = [...handOverParts(all)];
      assert.deepEqual(parts.flat(), all);
      for (const part of parts) {
        const sent = encodeWrites({ self: SELF, records: part });
        assert.ok(sent.length < MAX_GENERATION_BYTES + 20_000);
        assert.equal((await decodeWrites(each(sent))).records.length, part.length);
      }
    }
    assert.deepEqual([...handOverParts([])], [[]]);
  });
});
