import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { canonicalBytes, canonicalText, parseCanonical } from '../../src/core/canonical.ts';
import { PlaitError } from '../../src/core/errors.ts';
import {
  checkGeneration,
  decodeGeneration,
  encodeGeneration,
  generationHashOf,
  makeGeneration,
} from '../../src/core/generation.ts';
import type { StoreId, VolsetId, WhatHash, WriteId } from '../../src/core/ids.ts';
import {
  type AnyRecord,
  checkLogged,
  checkRecord,
  encodeRecord,
  type Generation,
  type LoggedRecord,
  type PastRecord,
  pastOf,
  recordHash,
  recordId,
  whatOf,
} from '../../src/core/records.ts';
import { decodeSnapshotBody, idOfBody } from '../../src/core/snapshot-body.ts';
import { isStamp, nextStamp, stampTime } from '../../src/core/stamp.ts';

const fixture = (name: string) =>
  JSON.parse(readFileSync(join(import.meta.dirname, '../fixtures/records', name), 'utf8'));
const isProtocol = (error: unknown): boolean => error instanceof PlaitError && error.code === 'protocol';

describe('core: canonical JSON', () => {
  for (const { value, text, utf8 } of fixture('canonical.json')) {
    it(`golden: ${JSON.stringify(value)}`, () => {
      assert.equal(canonicalText(value), text);
      assert.equal(canonicalBytes(value).toString('hex'), utf8);
      assert.deepEqual(parseCanonical(Buffer.from(utf8, 'hex')), value);
    });
  }
  for (const value of [1.5, Number.NaN, 2 ** 53, -0, '\ud800', { a: () => 1 }, [undefined], 1n]) {
    it(`refuses ${typeof value === 'bigint' ? '1n' : String(JSON.stringify(value))}`, () =>
      assert.throws(() => canonicalText(value), isProtocol));
  }
  for (const text of ['{"b":1,"a":2}', '{ "a":1}', '{"a":1.0}', '1e3', '"\\u0041"', '{"a":1,"a":2}', 'nonsense', '']) {
    it(`refuses the bytes ${text}`, () => assert.throws(() => parseCanonical(Buffer.from(text)), isProtocol));
  }
  it('does not depend on key order and survives a round trip', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string({ unit: 'binary' }), fc.oneof(fc.integer(), fc.string({ unit: 'binary' }))),
        (map) => {
          const reversed = Object.fromEntries(Object.entries(map).reverse());
          assert.equal(canonicalText(map), canonicalText(reversed));
          assert.equal(canonicalText(parseCanonical(canonicalBytes(map))), canonicalText(map));
        },
      ),
    );
  });
});

describe('core: records', () => {
  const { volset, records } = fixture('records.json') as { volset: VolsetId; records: GoldenRecord[] };
  for (const { description, record, bytes, hash: expected, id, what } of records) {
    it(`golden: ${description}`, () => {
      assert.equal(encodeRecord(record).toString('hex'), bytes);
      assert.equal(recordHash(record), expected);
      assert.equal(recordId(record), id);
      assert.deepEqual(checkRecord(JSON.parse(JSON.stringify(record)), volset), record);
      assert.equal(what !== undefined, record.type === 'write');
      if (record.type !== 'write') return;
      assert.equal(whatOf(record), what);
      assert.deepEqual([recordHash(pastOf(record)), recordId(pastOf(record))], [expected, id]);
    });
  }

  const write = records[0].record;
  const snapshot = records[4].record;
  const tombstone = records[6].record;
  const id = 'ab'.repeat(32);
  const author = `${'0'.repeat(32)}.1` as StoreId;
  const dropped: PastRecord = {
    type: 'past',
    author,
    parents: [],
    stamp: '0190000000000000',
    what: id as WhatHash,
  };
  const bad: [string, unknown][] = [
    ['nothing', null],
    ['a list', []],
    ['no type', {}],
    ['an inherited type', Object.create({ type: 'write' })],
    ['another type', { ...write, type: 'link' }],
    ['an unknown field', { ...write, extra: 1 }],
    ['a missing field', { ...write, stamp: undefined, author: undefined }],
    ['an own __proto__', JSON.parse(JSON.stringify(write).replace('{', '{"__proto__":1,'))],
    ['a register of no object', { ...write, register: 'store:name' }],
    ['a register of no field', { ...write, register: 'volset:size' }],
    ['an empty attribute key', { ...write, register: 'volset:attr:' }],
    ['a branch with a bad id', { ...write, register: 'branch:xyz:name' }],
    ['a value that is a number', { ...write, value: 1 }],
    ['a value beyond 64 KiB', { ...write, register: 'volset:description', value: 'é'.repeat(32769) }],
    ['a name beyond 255', { ...write, value: 'n'.repeat(256) }],
    ['a name with a control character', { ...write, value: 'a\u001b[2J' }],
    ['a name taken away', { ...write, value: null }],
    ['a lone surrogate', { ...write, value: '\ud800' }],
    ['parents out of order', { ...write, parents: [id, '00'.repeat(32)] }],
    ['a parent twice', { ...write, parents: [id, id] }],
    [
      'too many parents',
      { ...write, parents: Array.from({ length: 1001 }, (_, i) => i.toString(16).padStart(64, '0')) },
    ],
    ['a stamp in the reserved range', { ...write, stamp: 'f000000000000000' }],
    ['a stamp that is a number', { ...write, stamp: 1 }],
    ['an author without epoch', { ...write, author: '0'.repeat(32) }],
    ['a resolution mark of false', { ...write, resolution: false }],
    ['a conflict settled in no known way', { ...write, register: `conflict:${id}:resolved`, value: 'mine' }],
    ['a name on a conflict', { ...write, register: `conflict:${id}:name` }],
    ['a tombstone of a conflict', { ...tombstone, object: `conflict:${id}` }],
    ['a dropped record where none was compacted', dropped],
    ['a tombstone of no object', { ...tombstone, object: 'branch:' }],
    ['a tip on the volset', { ...tombstone, object: 'volset' }],
    ['a snapshot of another volset', { ...snapshot, volset: 'e'.repeat(32) }],
    ['a snapshot with a parent twice', { ...snapshot, parents: [id, id] }],
    [
      'a snapshot with 65 parents',
      { ...snapshot, parents: Array.from({ length: 65 }, (_, i) => i.toString(16).padStart(64, '0')) },
    ],
    ['a negative time', { ...snapshot, created: -1 }],
    ['a fraction of a file', { ...snapshot, files: 0.5 }],
    ['a creator beyond 1 KiB', { ...snapshot, creator: 'c'.repeat(1025) }],
  ];
  for (const [what, value] of bad)
    it(`refuses ${what}`, () => assert.throws(() => checkRecord(value, volset), isProtocol));

  for (const value of [null, 'current', 'target', 'value']) {
    it(`takes a conflict that is settled by ${value}`, () => {
      const settled = { ...write, register: `conflict:${id}:resolved`, value };
      assert.deepEqual(checkRecord(settled, volset), settled);
    });
  }

  const badDropped: [string, unknown][] = [
    ['no hash of what it said', { ...dropped, what: undefined }],
    ['no author', { ...dropped, author: '1' }],
    ['no stamp', { ...dropped, stamp: '1' }],
    ['parents that are not sorted', { ...dropped, parents: ['b'.repeat(64), 'a'.repeat(64)] }],
    ['a short hash', { ...dropped, what: 'ab' }],
    ['an unknown field', { ...dropped, value: 'x' }],
    ['a hash of its own', { ...dropped, hash: id }],
    ['a resolution mark of false', { ...dropped, resolution: false }],
  ];
  for (const [what, value] of badDropped)
    it(`refuses a dropped record with ${what}`, () => assert.throws(() => checkLogged(value, volset), isProtocol));
  it('takes dropped records beside real ones in what was compacted', () => {
    const resolution: PastRecord = { ...dropped, resolution: true };
    for (const record of [dropped, resolution, write, snapshot, tombstone])
      assert.deepEqual(checkLogged(record, volset), record);
  });
  it('the id of a resolution that was dropped covers neither author nor stamp, its hash does', () => {
    const ours: PastRecord = { ...dropped, resolution: true };
    for (const theirs of [
      { ...ours, author: `${'1'.repeat(32)}.1` as StoreId },
      { ...ours, stamp: '0190000000000001' },
    ]) {
      assert.equal(recordId(theirs), recordId(ours));
      assert.notEqual(recordHash(theirs), recordHash(ours));
    }
    assert.notEqual(recordId(ours), recordHash(ours));
    assert.equal(recordId(dropped), recordHash(dropped));
  });

  it('never fails in another way, whatever it is given', () => {
    const anyRecord = fc.constantFrom(write, snapshot, tombstone);
    const key = fc.constantFrom(...Object.keys({ ...write, ...snapshot, ...tombstone }));
    fc.assert(
      fc.property(anyRecord, key, fc.anything(), (record, field, value) => {
        try {
          checkRecord({ ...record, [field]: value }, volset);
        } catch (error) {
          assert.ok(isProtocol(error));
        }
      }),
    );
  });

  it('reads bodies back, and only in canonical form', () => {
    const { bytes } = records[5];
    const body = decodeSnapshotBody(Buffer.from(bytes, 'hex'), volset);
    assert.equal(idOfBody(body), records[5].id);
    assert.throws(() => decodeSnapshotBody(Buffer.from(JSON.stringify(body, null, 1))), isProtocol);
    assert.throws(() => decodeSnapshotBody(Buffer.alloc(20_000, 0x20)), isProtocol);
  });
});

describe('core: generations', () => {
  const { volset, generations } = fixture('generations.json') as { volset: VolsetId; generations: GoldenGeneration[] };
  for (const { generation, hash: expected, packedSha256 } of generations) {
    it(`golden: generation ${generation.generation}`, () => {
      assert.equal(generationHashOf(volset, generation, generation.records.map(recordHash)), expected);
      assert.deepEqual(
        makeGeneration(volset, generation.store, generation.generation, generation.previous, generation.records),
        generation,
      );
      const packed = encodeGeneration(generation);
      assert.equal(hash('sha256', packed), packedSha256);
      assert.deepEqual(decodeGeneration(volset, packed), generation);
    });
  }
});

describe('core: compacted generations', () => {
  const { volset, generations } = fixture('generations.json') as { volset: VolsetId; generations: GoldenGeneration[] };
  const drop = (record: LoggedRecord): LoggedRecord => (record.type === 'write' ? pastOf(record) : record);
  it('keep their hash, and ids stay known', () => {
    for (const { generation } of generations) {
      const compacted = { ...generation, records: generation.records.map(drop) };
      const read = decodeGeneration(volset, encodeGeneration(compacted));
      assert.deepEqual(read, compacted);
      assert.deepEqual(read.records.map(recordId), generation.records.map(recordId));
    }
  });
  const lies: Partial<PastRecord>[] = [
    { author: `${'7'.repeat(32)}.1` as StoreId },
    { parents: ['ef'.repeat(32) as WriteId] },
    { stamp: '0000000000000001' },
    { what: 'ef'.repeat(32) as WhatHash },
    { resolution: true },
  ];
  for (const lie of lies) {
    it(`cannot say anything else than what was there: ${Object.keys(lie)}`, () => {
      const { generation } = generations[0];
      const [first, ...rest] = generation.records.map(drop);
      assert.equal(first.type, 'past');
      const forged = { ...generation, records: [{ ...first, ...lie }, ...rest] };
      assert.throws(() => checkGeneration(volset, forged), { code: 'integrity' });
    });
  }
});

describe('core: stamps', () => {
  for (const { last, now, parents, next } of fixture('stamps.json')) {
    it(`golden: after ${last} and [${parents}] at ${now} comes ${next}`, () =>
      assert.equal(nextStamp(last, now, parents), next));
  }
  it('grows over everything seen, whatever the clock says', () => {
    const stamp = fc.bigInt(0n, 0xe000_0000_0000_0000n).map((n) => n.toString(16).padStart(16, '0'));
    fc.assert(
      fc.property(stamp, fc.double(), fc.array(stamp, { maxLength: 5 }), (last, now, parents) => {
        const next = nextStamp(last, Number.isNaN(now) ? 0 : now, parents);
        assert.ok(isStamp(next));
        for (const before of [last, ...parents]) assert.ok(next > before);
      }),
    );
  });
  it('tells milliseconds', () =>
    assert.equal(stampTime(nextStamp('0000000000000000', 1732230000123, [])), 1732230000123));
  it('refuses to go on at the very end', () => assert.throws(() => nextStamp('efffffffffffffff', 0, []), isProtocol));
});

interface GoldenGeneration {
  generation: Generation;
  hash: string;
  packedSha256: string;
}
interface GoldenRecord {
  description: string;
  record: AnyRecord;
  bytes: string;
  hash: string;
  id: string;
  /** Of a write: hash of what it says. */
  what?: string;
}
