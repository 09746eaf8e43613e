import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Entry } from '../../src/core/entry.ts';
import { decodeEntry, encodeEntry, MAX_ENTRY, readFacts, sameEntryBytes } from '../../src/core/entry-codec.ts';
import { PlaitError } from '../../src/core/errors.ts';
import { decodeExtents, encodeExtents } from '../../src/core/extents.ts';
import type { NodeId } from '../../src/core/ids.ts';
import type { PathKey } from '../../src/core/paths.ts';

const path = 'a\0b' as PathKey;
const time = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const id32 = fc.integer({ min: 0, max: 0xffffffff });
const mode = fc.integer({ min: 0, max: 0o7777 });
const common = { path: fc.constant(path), mtime: time, mode };
const optional = {
  uid: id32,
  gid: id32,
  linkGroup: fc.constant('a\0a' as PathKey),
  extra: fc.constant(Uint8Array.of(9, 2, 7, 7)),
};
const chunk = fc.record({
  length: fc.integer({ min: 1, max: 262_144 }),
  id: fc.uint8Array({ minLength: 32, maxLength: 32 }),
});

const inlineFile = fc
  .tuple(
    fc.record({ ...common, ...optional }, { requiredKeys: ['path', 'mtime', 'mode'] }),
    fc.array(chunk, { maxLength: 64 }),
  )
  .map(([rest, list]): Entry => {
    const size = list.reduce((sum, e) => sum + e.length, 0);
    return { ...rest, kind: 'file', size, content: { extents: encodeExtents(list) } };
  });
const listFile = fc
  .record(
    { ...common, size: fc.integer({ min: 1, max: 2 ** 52 - 1 }), ...optional },
    { requiredKeys: ['path', 'mtime', 'mode', 'size'] },
  )
  .map((rest): Entry => ({ ...rest, kind: 'file', content: { list: 'ab'.repeat(32) as NodeId } }));
const dir = fc
  .record({ ...common, uid: id32, gid: id32 }, { requiredKeys: ['path', 'mtime', 'mode'] })
  .map((rest): Entry => ({ ...rest, kind: 'dir', size: 0 }));
const symlink = fc
  .record({ ...common, target: fc.uint8Array({ minLength: 1, maxLength: 100 }) })
  .map((rest): Entry => ({ ...rest, mode: 0, kind: 'symlink', size: 0, target: rest.target.map((b) => b || 1) }));
const anyEntry = fc.oneof(inlineFile, listFile, dir, symlink);

const plain = (entry: Entry): unknown => {
  const content =
    entry.content && 'extents' in entry.content
      ? decodeExtents(entry.content.extents).map((e) => [e.length, Buffer.from(e.id ?? []).toString('hex')])
      : entry.content;
  return { ...entry, content, target: entry.target && [...entry.target], extra: entry.extra && [...entry.extra] };
};
const codeOf = (run: () => unknown): string => {
  try {
    run();
    return 'none';
  } catch (error) {
    return error instanceof PlaitError ? error.code : String(error);
  }
};

describe('core/entry-codec', () => {
  it('gives back every entry, and only one encoding of it', () => {
    fc.assert(
      fc.property(anyEntry, (entry) => {
        const bytes = encodeEntry(entry);
        const back = decodeEntry(path, bytes, { strict: true });
        assert.deepEqual(plain(back), plain(entry));
        assert.ok(sameEntryBytes(encodeEntry(back), bytes));
        const facts = { file: false, size: -1, linked: false };
        readFacts(bytes, 0, bytes.length, facts);
        assert.deepEqual(facts, {
          file: entry.kind === 'file',
          size: entry.size,
          linked: entry.linkGroup !== undefined,
        });
      }),
    );
  });

  it('takes any bytes in strict decoding only if it would have written them', () => {
    const near = anyEntry.chain((entry) => {
      const bytes = encodeEntry(entry);
      return fc.tuple(fc.nat(bytes.length - 1), fc.integer({ min: 0, max: 255 })).map(([at, to]) => {
        const changed = bytes.slice();
        changed[at] = to;
        return changed;
      });
    });
    fc.assert(
      fc.property(fc.oneof(near, fc.uint8Array({ maxLength: 200 })), (bytes) => {
        let entry: Entry;
        try {
          entry = decodeEntry(path, bytes, { strict: true });
        } catch (error) {
          assert.ok(error instanceof PlaitError && ['integrity', 'format'].includes(error.code), String(error));
          return;
        }
        assert.deepEqual(Buffer.from(encodeEntry(entry)), Buffer.from(bytes));
      }),
      { numRuns: 2000 },
    );
  });

  const rows: [string, string, string][] = [
    ['an empty entry', '', 'integrity'],
    ['a kind of the future', '04', 'format'],
    ['a critical field of the future', '02' + 'f00101', 'format'],
    ['a plain field of the future', '02' + '700101', 'none'],
    ['fields out of order', '02' + '0301010101ed', 'integrity'],
    ['a field twice', '02' + '0301010301' + '01', 'integrity'],
    ['mode 0 written out', '02' + '0100', 'integrity'],
    ['a mode with a zero byte at its end', '02' + '0102ff00', 'integrity'],
    ['a mode above 07777', '02' + '01020010', 'integrity'],
    ['mtime 0 written out', '02' + '02080000000000000000', 'integrity'],
    ['a directory with a size', '02' + '810101', 'integrity'],
    ['a directory with a target', '02' + '840161', 'integrity'],
    ['a file with a size and no content', '01' + '810101', 'integrity'],
    ['a file with extents and no size', `01822102${'11'.repeat(32)}`, 'integrity'],
    ['a file whose extents hold less than its size', `01810102822102${'11'.repeat(32)}`, 'integrity'],
    ['a file with two kinds of content', `01810101822102${'11'.repeat(32)}8320${'11'.repeat(32)}`, 'integrity'],
    ['a symlink without a target', '03', 'integrity'],
    ['a symlink target with NUL', '03' + '84036100' + '62', 'integrity'],
    ['a length beyond the end', '02' + '01ffffffffffffff0f', 'integrity'],
    ['an empty link group', '01' + '8500', 'integrity'],
  ];
  for (const [what, hex, code] of rows) {
    it(`${code === 'none' ? 'takes' : 'refuses'} ${what}`, () => {
      assert.equal(
        codeOf(() => decodeEntry(path, Buffer.from(hex, 'hex'), { strict: true })),
        code,
      );
    });
  }

  it('looks into extents only when it is strict', () => {
    const bytes = Buffer.from(`018101028221${'02'}${'11'.repeat(32)}`, 'hex');
    assert.equal(decodeEntry(path, bytes).size, 2);
  });

  it('carries unknown fields along', () => {
    const bytes = Buffer.from('02' + '0102ed01' + '600161' + '7f0162', 'hex');
    const entry = decodeEntry(path, bytes);
    assert.deepEqual(Buffer.from(encodeEntry({ ...entry, mode: 0o755 })), bytes);
    assert.equal(Buffer.from(encodeEntry({ ...entry, uid: 0 })).toString('hex'), '020102ed010300600161' + '7f0162');
  });

  it('refuses to encode what it would not decode', () => {
    const file: Entry = {
      path,
      kind: 'file',
      mode: 0o644,
      mtime: 1n,
      size: 5,
      content: { extents: new Uint8Array(0) },
    };
    assert.equal(
      codeOf(() => encodeEntry(file)),
      'unexpected',
    );
    assert.equal(
      codeOf(() => encodeEntry({ ...file, size: 0, mode: 0o10000 })),
      'unexpected',
    );
    assert.equal(
      codeOf(() => encodeEntry({ ...file, size: 0, extra: new Uint8Array(MAX_ENTRY) })),
      'unexpected',
    );
    assert.equal(
      codeOf(() => encodeEntry({ ...file, size: 0, extra: Uint8Array.of(0x81, 0) })),
      'unexpected',
    );
    assert.equal(
      codeOf(() => encodeEntry({ ...file, size: 0, mtime: 2n ** 63n })),
      'unexpected',
    );
    assert.equal(
      codeOf(() => encodeEntry({ ...file, size: 0 })),
      'none',
    );
  });
});
