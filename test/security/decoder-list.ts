/** Every decoder of what a peer, a disk or a person may have made, each with bytes that it takes. */
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import { openBlock, parseHeader, verifyObjects } from '../../src/blob/block.ts';
import { BlockBuilder } from '../../src/blob/block-builder.ts';
import { manifest } from '../../src/blob/manifest/index.ts';
import { packFooter, packHeader, readDirectory, salvageBlocks } from '../../src/blob/pack.ts';
import { DirectoryBuilder } from '../../src/blob/pack-directory.ts';
import { readOwner } from '../../src/blob/upload-owner.ts';
import { parseJson } from '../../src/core/bounded-json.ts';
import { decodeEntry, encodeEntry } from '../../src/core/entry-codec.ts';
import { PlaitError } from '../../src/core/errors.ts';
import { decodeExtents, encodeExtents } from '../../src/core/extents.ts';
import { decodeGeneration, encodeGeneration } from '../../src/core/generation.ts';
import { KIND, nodeId, objectHash } from '../../src/core/hash.ts';
import type { BranchId, InstallId, NodeId, SnapshotId } from '../../src/core/ids.ts';
import type { PathKey } from '../../src/core/paths.ts';
import { parseObject, parseRef } from '../../src/core/references.ts';
import { decodeSnapshotBody, encodeSnapshotBody } from '../../src/core/snapshot-body.ts';
import { decodeState, encodeState, STORE_STATE, type State } from '../../src/core/state-object.ts';
import { parseBody } from '../../src/hub/media.ts';
import { createTransferTokens } from '../../src/hub/transfer-token.ts';
import { parseHubUrl } from '../../src/remote/url.ts';
import { readBlobDiff, writeBlobDiff } from '../../src/transfer/blob-diff.ts';
import { decodeDeltas as decodeDataDeltas, encodeDeltas as encodeDataDeltas } from '../../src/transfer/delta-format.ts';
import { BUNDLE_LIMITS, decodeHeader } from '../../src/transfer/diff-format.ts';
import { findJournal, writeJournal } from '../../src/volume/journal.ts';
import { CacheReader, CacheWriter, checkCache } from '../../src/volume/stat-cache.ts';
import { readDotPlait, readState } from '../../src/volume/state.ts';
import { decodeDeltas, encodeDeltas } from '../../src/wire/deltas.ts';
import { decodeError } from '../../src/wire/error-body.ts';
import {
  changeLines,
  feedHeadLine,
  HEADS_HEAD,
  HEADS_MARK,
  headLine,
  markLine,
  STOPPING,
} from '../../src/wire/feed.ts';
import { decodeFeed, decodeHeads } from '../../src/wire/feed-reader.ts';
import { JSON_TYPE } from '../../src/wire/headers.ts';
import * as wire from '../../src/wire/messages.ts';
import { decodePush, encodePush } from '../../src/wire/push.ts';
import { decode, type Schema } from '../../src/wire/schema.ts';
import { decodeWrites, encodeWrites } from '../../src/wire/writes.ts';
import { MemoryNodes } from '../blob/manifest/memory.ts';
import { randomTree, sorted } from '../blob/manifest/trees.ts';
import { SELF, SENDER, sampleHistory, VOLSET } from '../hub/support.ts';
import type { Random } from '../support/seed.ts';

const dir = mkdtempSync(join(tmpdir(), 'plait-decoders-'));
process.on('exit', () => rmSync(dir, { recursive: true, force: true }));

async function* each<T>(...items: T[]): AsyncGenerator<T> {
  yield* items;
}
async function drain(items: AsyncIterable<unknown> | Iterable<unknown>): Promise<void> {
  for await (const _ of items);
}
const bytesOf = async (items: AsyncIterable<Uint8Array>): Promise<Buffer> =>
  Buffer.concat(await Array.fromAsync(items));
/** Decoders of files get one. */
const onFile =
  (name: string, read: (path: string) => unknown) =>
  (bytes: Uint8Array): unknown => {
    const path = join(dir, name);
    writeFileSync(path, bytes);
    return read(path);
  };

export interface Decoder {
  name: string;
  sound: Buffer;
  decode: (bytes: Uint8Array) => unknown;
  /** Bytes that only claim much. */
  huge?: Uint8Array[];
  /** Anything may be thrown by the file system where the decoder reads a file. */
  rounds?: number;
}

const CHUNK = Buffer.from('some text that compresses, compresses, compresses, compresses, compresses');
function block(): Buffer {
  const builder = new BlockBuilder(KIND.chunk);
  for (let n = 0; n < 20; n++) {
    const bytes = Buffer.concat([CHUNK, Buffer.from([n])]);
    builder.add(objectHash(KIND.chunk, bytes), bytes);
  }
  return Buffer.from(builder.encode());
}

function pack(): Buffer {
  const bytes = block();
  const directory = new DirectoryBuilder();
  const header = packHeader(VOLSET);
  directory.add(header.length, bytes, 20);
  const listed = directory.encode(VOLSET);
  return Buffer.concat([header, bytes, listed, packFooter(listed, header.length + bytes.length).footer]);
}

const nodes = new MemoryNodes();
const tree = sorted(randomTree(7, 300, 'plain', nodes));
const root = manifest.build(nodes, tree);
const { generations, first } = sampleHistory();
const ofZeros = (length: number): Buffer => zstdCompressSync(Buffer.alloc(length));

const author = { install: 'ab'.repeat(16) as InstallId, epoch: 3, sequence: 4 };
const STORE: State = {
  ...author,
  state: 'store',
  label: 'host',
  remotes: [{ a: 1 }],
  settings: { a: 'b' },
  tokens: [],
};
const REFS: State = {
  ...author,
  state: 'volset',
  volset: VOLSET,
  whole: true,
  refs: [{ branch: 'ab'.repeat(16) as BranchId, snapshot: 'cd'.repeat(32) as SnapshotId, revision: 7 }],
};
const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');
/** Some say that there is nothing where others throw. */
function found<T>(value: T | undefined): T {
  if (value === undefined) throw new PlaitError('integrity', 'thrown away');
  return value;
}

/** JSON of every route, as a hub and as a client reads it. */
function messages(): Decoder[] {
  const id = 'ab'.repeat(32);
  const volset = 'cd'.repeat(16);
  const rows: [name: string, schema: Schema, sound: unknown][] = [
    ['deltas asked for', wire.deltasAsk, { self: `${volset}.1`, vector: {}, knownRevision: 3 }],
    ['ref moves', wire.refMoves, { moves: [{ branch: volset, from: null, to: id }] }],
    ['wants', wire.wants, { wants: [{ id, baseCandidates: [id] }] }],
    ['part answer', wire.partAnswer, { snapshots: [id], lacking: [{ kind: 0, id }] }],
    ['what is held', wire.heldAnswer, { held: [id] }],
    ['rights', wire.rightsAnswer, { can: ['read'], volset: null }],
    [
      'volsets',
      wire.volsetList,
      { volsets: [{ id: volset, name: 'x', branches: [{ id: volset, name: 'm', tip: id }] }] },
    ],
  ];
  return rows.map(([name, schema, sound]) => ({
    name,
    sound: Buffer.from(JSON.stringify(sound)),
    decode: (bytes) => decode(schema, parseBody(JSON_TYPE, Buffer.from(bytes)), name),
    huge: [Buffer.alloc(900_000, '['), Buffer.from(`{"moves":[${'{},'.repeat(200_000)}{}]}`)],
  }));
}

function checkNode(bytes: Uint8Array): void {
  const source = { readNode: (id: NodeId) => (id === nodeId(bytes) ? bytes : nodes.readNode(id)) };
  const at = nodeId(bytes);
  manifest.check(source, at);
}

/** A few hundred bytes that spell out 70,000 files, each with two paths of 4 KiB. */
function manyPaths(): Buffer {
  const varint = (value: number): number[] => (value < 128 ? [value] : [(value & 127) | 128, value >> 7]);
  const other = (n: number): number => 97 + (n & 1);
  const run = [1, 0, 1];
  const first = [0, ...varint(4096), ...Buffer.alloc(4095, 'p'), other(0)];
  const file = (n: number, path: number[]): number[] => path.concat([...varint(4095), 1, other(n + 1)], run, run);
  const directory: number[] = [17];
  for (let delta = 0; delta < 17; delta++) {
    directory.push(...varint(4096));
    for (let n = 0; n < 4096; n++) directory.push(...file(n, delta + n === 0 ? first : [...varint(4095), 1, other(n)]));
    directory.push(1);
  }
  const raw = Buffer.from(directory);
  const packed = zstdCompressSync(raw);
  const length = (value: number): number[] => {
    const bytes: number[] = [];
    for (let rest = value; ; rest = Math.floor(rest / 128)) {
      if (rest < 128) return [...bytes, rest];
      bytes.push((rest % 128) | 128);
    }
  };
  const head = Buffer.concat([Buffer.from([1, 0, 1]), Buffer.alloc(64, 7)]);
  return Buffer.concat([
    head,
    Buffer.from([...length(raw.length), ...length(packed.length)]),
    packed,
    Buffer.alloc(17),
  ]);
}

export async function decoders(): Promise<Decoder[]> {
  const header = { volset: VOLSET, snapshots: [{ id: 'ab'.repeat(32) as never, base: null }] };
  const diff = await bytesOf(
    writeBlobDiff(
      header,
      each(
        { entry: 'block' as const, bytes: block() },
        {
          entry: 'snapshot' as const,
          id: header.snapshots[0].id,
          bytes: encodeSnapshotBody(first),
        },
      ),
    ),
  );
  const node = Buffer.from(nodes.readNode(root));
  const file = tree.find(({ kind }) => kind === 'file')!;
  const id = 'ab'.repeat(32) as NodeId;
  const deltas = Buffer.from(
    encodeDataDeltas({
      root: id,
      baseRoot: id,
      kind: 0,
      deltas: [
        { files: [{ path: 'a' as PathKey, base: 'a' as PathKey, targets: [[0, 2]], pieces: [[0, 99]] }], frame: CHUNK },
      ],
    }),
  );
  const nested = Buffer.alloc(900_000, '[');
  const tokens = createTransferTokens(Buffer.alloc(32, 1), () => 0);
  const token = tokens.sign({
    volset: VOLSET,
    direction: 'up',
    uploadId: 'ab'.repeat(16),
    snapshots: [],
    base: null,
    owner: 'x',
    expiresAt: 9,
  });
  const cache = join(dir, 'made');
  const writer = new CacheWriter(cache);
  for (const entry of tree) {
    const stat = { size: entry.size, mtimeNs: 1n, ctimeNs: 1n, ino: 5n, mode: 0o644 };
    writer.put(entry.path, 1, stat, encodeEntry(entry));
  }
  writer.finish(root);
  writeJournal(dir, { snapshot: 'ab'.repeat(32) as never, root: id, branch: null });
  const volume = {
    version: 1,
    id: 'ab'.repeat(16),
    dir: '/x',
    volset: VOLSET,
    branch: null,
    base: null,
    baseRoot: null,
    preserve: [],
  };
  return [
    { name: 'block', sound: block(), decode: (b) => verifyObjects(openBlock(b)), huge: [Buffer.alloc(9_000_000, 255)] },
    { name: 'block header', sound: block(), decode: parseHeader },
    {
      name: 'pack',
      sound: pack(),
      decode: onFile('pack', (path) => {
        const fd = openSync(path, 'r');
        try {
          for (const { bytes } of salvageBlocks(fd, VOLSET)) openBlock(bytes);
          return readDirectory(fd, VOLSET);
        } finally {
          closeSync(fd);
        }
      }),
    },
    { name: 'node', sound: node, decode: checkNode, huge: [Buffer.alloc(2_000_000, 1), Buffer.alloc(1_000_000, 255)] },
    {
      name: 'entry',
      sound: Buffer.from(encodeEntry(file)),
      decode: (b) => decodeEntry('a' as PathKey, b),
      huge: [Buffer.alloc(4_000_000, 1)],
    },
    {
      name: 'extents',
      sound: Buffer.from(encodeExtents([{ length: 9, id: Buffer.alloc(32) }])),
      decode: decodeExtents,
      huge: [Buffer.alloc(4_000_000, 255)],
    },
    { name: 'blob diff', sound: diff, decode: (b) => drain(readBlobDiff(each(b), BUNDLE_LIMITS)) },
    { name: 'deltas of data', sound: deltas, decode: decodeDataDeltas, huge: [ofZeros(10_000_000), manyPaths()] },
    { name: 'snapshot body', sound: encodeSnapshotBody(first), decode: (b) => decodeSnapshotBody(b), huge: [nested] },
    {
      name: 'generation',
      sound: encodeGeneration(generations[0]),
      decode: (b) => decodeGeneration(VOLSET, b),
      huge: [nested, Buffer.from(`{"records":[${'{},'.repeat(290_000)}{}]}`)],
    },
    {
      name: 'deltas stream',
      sound: await bytesOf(
        encodeDeltas({ refs: [], revision: 1, vector: {}, sealed: [[1, 3]], generations: each(...generations) }),
      ),
      decode: async (b) => drain((await decodeDeltas(each(b))).generations),
      huge: [nested, Buffer.alloc(8_000_000, 'a')],
    },
    {
      name: 'feed',
      sound: Buffer.from(
        feedHeadLine(0, 2) +
          [...changeLines(generations.map((generation, n) => ({ revision: n + 1, generation })))]
            .map(({ text }) => text)
            .join('') +
          markLine({ revision: 2, vector: {}, blobs: 0 }) +
          STOPPING,
      ),
      decode: async (b) => drain((await decodeFeed(each(b), 0)).items),
      huge: [nested, Buffer.alloc(8_000_000, 'a')],
    },
    {
      name: 'heads',
      sound: Buffer.from(HEADS_HEAD + headLine(VOLSET, { revision: 1, blobs: 0 }) + HEADS_MARK + STOPPING),
      decode: async (b) => drain(await decodeHeads(each(b))),
      huge: [nested],
    },
    {
      name: 'push stream',
      sound: await bytesOf(encodePush({ ...SENDER, self: SELF }, generations)),
      decode: async (b) => drain((await decodePush(each(b))).generations),
      huge: [nested, Buffer.alloc(8_000_000, 'a')],
    },
    {
      name: 'writes',
      sound: encodeWrites({ self: SELF, records: [first] }),
      decode: (b) => decodeWrites(each(b)),
      huge: [nested],
    },
    {
      name: 'error body',
      sound: Buffer.from('{"error":{"code":"busy","message":"x","hint":"y","data":{"a":[1]}}}'),
      decode: (b) => decodeError(Buffer.from(b).toString('utf8')),
      huge: [nested],
    },
    {
      name: 'transfer token',
      sound: Buffer.from(token),
      decode: (b) => tokens.verify(Buffer.from(b).toString('latin1')),
      huge: [nested],
    },
    {
      name: 'stat cache',
      sound: readFileSync(cache),
      decode: onFile('cache', (path) => {
        if (checkCache(path) === undefined) throw new PlaitError('integrity', 'thrown away');
        const reader = new CacheReader(path);
        while (reader.next()) decodeEntry(reader.path, Uint8Array.from(reader.entry()));
        reader.close();
      }),
    },
    {
      name: 'journal',
      sound: readFileSync(join(dir, 'checkout.json')),
      decode: onFile('checkout.json', () => findJournal(dir)),
      huge: [nested],
    },
    {
      name: 'volume state',
      sound: Buffer.from(JSON.stringify(volume)),
      decode: onFile('volume.json', () => readState(dir)),
      huge: [nested],
    },
    {
      name: 'pointer to a store',
      sound: Buffer.from(JSON.stringify({ store: '/x/y', volume: 'ab'.repeat(16) })),
      decode: onFile('.plait', () => readDotPlait(dir)),
      huge: [nested],
    },
    {
      name: 'owner of an upload',
      sound: Buffer.from(JSON.stringify({ format: 1, volset: VOLSET, owner: 'x' })),
      decode: onFile('owner.json', () => found(readOwner(dir))),
      huge: [nested],
    },
    {
      name: 'state of a store',
      sound: Buffer.from(encodeState(STORE) as Uint8Array),
      decode: (b) => found(decodeState(STORE_STATE, b)),
      huge: [nested, Buffer.alloc(8_000_000, 'a')],
    },
    {
      name: 'state of a volset',
      sound: Buffer.from(encodeState(REFS) as Uint8Array),
      decode: (b) => found(decodeState(VOLSET, b)),
      huge: [nested],
    },
    ...messages(),
    { name: 'reference', sound: Buffer.from('branch:topic~12'), decode: (b) => parseRef(textOf(b)), huge: [nested] },
    { name: 'object', sound: Buffer.from('snapshot:topic'), decode: (b) => parseObject(textOf(b)) },
    {
      name: 'URL of a hub',
      sound: Buffer.from('https://hub.example:7420/photos'),
      decode: (b) => parseHubUrl(textOf(b)),
    },
  ];
}

/** Cut, flipped, claiming the most, longer; and what only claims much. */
export function* variants({ sound, huge = [], rounds = 150 }: Decoder, random: Random): Generator<Uint8Array> {
  yield new Uint8Array(0);
  for (let n = 0; n < rounds; n++) {
    yield sound.subarray(0, random.below(sound.length));
    const flipped = Buffer.from(sound);
    for (let bits = 1 + random.below(4); bits > 0; bits--) flipped[random.below(sound.length)] ^= 1 << random.below(8);
    yield flipped;
    // Lengths and counts that claim the most.
    const claimed = Buffer.from(sound);
    const at = random.below(sound.length);
    claimed.fill(255, at, Math.min(sound.length, at + 1 + random.below(8)));
    yield claimed;
    yield Buffer.concat([sound, sound.subarray(0, random.below(64))]);
  }
  yield Buffer.concat([sound, Buffer.alloc(1_000_000)]);
  yield* huge;
}

/** Cost more memory than a test should keep: made when they are due. */
export const MADE: { name: string; decode: (bytes: Uint8Array) => unknown; make: () => Uint8Array }[] = [
  { name: 'body', decode: body, make: () => objects(16) },
  { name: 'bundle header', decode: decodeHeader, make: () => objects(64) },
];
const objects = (mib: number): Buffer => Buffer.from(`{"snapshots":[${'{},'.repeat((mib * 1024 * 1024) / 3)}0]}`);
function body(bytes: Uint8Array): unknown {
  return parseJson(bytes);
}
