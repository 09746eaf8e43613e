/** What docs/protocol.md prints for writers of other clients, compared with what this one does. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { canonicalText } from '../../src/core/canonical.ts';
import { conflictId } from '../../src/core/conflict.ts';
import { generationHashOf } from '../../src/core/generation.ts';
import { generationHash, snapshotId, whatHash, writeId } from '../../src/core/hash.ts';
import type { VolsetId } from '../../src/core/ids.ts';
import { checkRecord, recordHash, recordId, type Write, whatOf } from '../../src/core/records.ts';
import { routes } from '../../src/hub/index.ts';
import * as limits from '../../src/wire/limits.ts';

const text = readFileSync(join(import.meta.dirname, '../../docs/protocol.md'), 'utf8');
const block = /```vectors\n([\s\S]*?)```/.exec(text)?.[1].trimEnd().split('\n') ?? [];
const vectors = Array.from({ length: block.length / 2 }, (_, i) => {
  const [kind, hash] = block[2 * i].split(' ');
  return { kind, hash, bytes: block[2 * i + 1] };
});
/** A write whose bytes are printed, put together with what it says, which is printed before it. */
const writeOf = (bytes: string): Write => {
  const { what, ...rest } = JSON.parse(bytes);
  return { ...rest, ...JSON.parse(of('what').find(({ hash }) => hash === what)?.bytes ?? '{}') };
};
const of = (wanted: string) => vectors.filter(({ kind }) => kind === wanted);

describe('docs/protocol.md', () => {
  it('has vectors of each kind', () => {
    const kinds = ['conflict', 'generation', 'resolution', 'snapshot', 'tombstone', 'what', 'write'];
    assert.deepEqual([...new Set(vectors.map(({ kind }) => kind))].sort(), kinds);
  });

  for (const { kind, hash, bytes } of vectors) {
    it(`${kind} ${hash.slice(0, 8)}: canonical bytes and their hash`, () => {
      const value = JSON.parse(bytes);
      assert.equal(canonicalText(value), bytes);
      if (kind === 'conflict') return assert.equal(conflictId(value.object, value.field, value.writes), hash);
      if (kind === 'what') {
        assert.equal(whatHash(Buffer.from(bytes)), hash);
        return assert.equal(whatOf(value), hash);
      }
      if (kind === 'resolution') return assert.equal(writeId(Buffer.from(bytes)), hash);
      if (kind === 'generation') {
        assert.equal(generationHash(Buffer.from(bytes)), hash);
        return assert.equal(generationHashOf(value.volset, value, value.records), hash);
      }
      const record = checkRecord(kind === 'write' ? writeOf(bytes) : value, (value.volset ?? '') as VolsetId);
      assert.equal(recordHash(record), hash);
      assert.equal(kind === 'snapshot' ? snapshotId(Buffer.from(bytes)) : writeId(Buffer.from(bytes)), hash);
    });
  }

  it('the id of a resolution is that of what it decides', () => {
    const marked = of('write').find(({ bytes }) => bytes.includes('"resolution":true'));
    assert.ok(marked);
    assert.equal(recordId(writeOf(marked.bytes)), of('resolution')[0].hash);
    assert.notEqual(marked.hash, of('resolution')[0].hash);
  });

  it('lists every route that the hub has, and no other', () => {
    const listed = [...text.matchAll(/`((?:GET|PUT|POST) \/[\w/.]+)[?=&\w]*`/g)].map(([, route]) => route);
    const short = { ':volset': 'V', ':upload': 'U', ':snapshot': 'S' } as Record<string, string>;
    const known = routes.map(({ method, path }) => `${method} ${path.replace(/:\w+/g, (name) => short[name])}`);
    assert.deepEqual([...new Set(listed)].sort(), known.sort());
  });

  it('tells the limits that the code has', () => {
    const rows: [RegExp, number[]][] = [
      [/\| stores in `chains`; points of one \| (\S+); (\S+) \|/, [limits.MAX_CHAINS, limits.MAX_CHAIN_POINTS]],
      [/\| records of one hand-over; their bytes \| (\S+); /, [limits.MAX_HANDED_OVER]],
      [/\| label \| (\S+) characters \|/, [limits.MAX_LABEL_CHARS]],
      [
        /\| offers or wants in one request; base candidates of one \| (\S+); (\S+) \|/,
        [limits.MAX_OFFERS, limits.MAX_BASE_CANDIDATES],
      ],
      [/\| ref moves in one request \| (\S+) \|/, [limits.MAX_REF_MOVES]],
      [/\| generations of one stream; [^|]* \| (\S+); /, [limits.MAX_GENERATIONS]],
    ];
    for (const [row, values] of rows) {
      const told = row
        .exec(text)
        ?.slice(1)
        .map((number) => Number(number.replaceAll(',', '')));
      assert.deepEqual(told, values, String(row));
    }
  });
});
