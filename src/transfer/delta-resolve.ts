/** From what an entry of deltas names (paths, extents, bytes of files) to what the engine decodes (ids, lengths). */
import type { BasePiece, DeltaInput, NodeSource, ObjectRef } from '../blob/contract.ts';
import type { Manifest } from '../blob/manifest/contract.ts';
import { MAX_DELTA_BASE, MAX_DELTA_PIECES, MAX_DELTA_RAW } from '../core/delta-limits.ts';
import type { Content } from '../core/entry.ts';
import { PlaitError } from '../core/errors.ts';
import { KIND, unhex } from '../core/hash.ts';
import type { NodeId } from '../core/ids.ts';
import type { PathKey } from '../core/paths.ts';
import { bad, type Run } from './delta-directory.ts';
import type { ChunkDelta, DeltaEntry, DeltaFile, NodeDelta } from './delta-format.ts';

export type Resolved =
  | { delta: DeltaInput }
  /** The base's tree cannot be read here, or its bytes lie in too many chunks: these are to be sent plainly. */
  | { lacking: ObjectRef[] }
  /** Nodes of the new tree are not here, so nobody knows which chunks these are. */
  | { unknown: true };

export interface ResolveContext {
  manifest: Manifest;
  /** BlobReceiver.nodes. */
  nodes: NodeSource;
}

/** One answer a frame, in order. @throws `protocol` for what the trees do not hold or breaks the limits */
export function* resolveDeltas(entry: DeltaEntry, context: ResolveContext): Generator<Resolved> {
  if (entry.kind === 1) for (const delta of entry.deltas) yield resolveNodes(delta, context);
  else {
    const { manifest, nodes } = context;
    const trees = { now: manifest.finder(nodes, entry.root), old: manifest.finder(nodes, entry.baseRoot) };
    for (const delta of entry.deltas) yield resolveChunks(trees, delta, context);
  }
}

function resolveNodes({ targets, base: ids, frame }: NodeDelta, { nodes }: ResolveContext): Resolved {
  const base = present(() => wholeNodes(nodes, ids));
  if (!base) return { lacking: targets.map(({ id }) => ({ kind: KIND.node, id: unhex(id) })) };
  const wanted = targets.map(({ id, length }) => ({ id: unhex(id), length }));
  return { delta: { kind: KIND.node, targets: wanted, base, frame } };
}

function wholeNodes(nodes: NodeSource, ids: NodeId[]): BasePiece[] {
  let left = MAX_DELTA_BASE;
  return ids.map((id) => {
    const { length } = nodes.readNode(id);
    left -= length;
    if (left < 0) throw tooLong();
    return { kind: KIND.node, id: unhex(id), start: 0, length };
  });
}

/** The files of both trees. */
interface Trees {
  now: Find;
  old: Find;
}
type Find = ReturnType<Manifest['finder']>;

function resolveChunks(trees: Trees, { files, frame }: ChunkDelta, context: ResolveContext): Resolved {
  const targets = present(() => files.flatMap((file) => targetsOf(context, trees.now, file)));
  if (!targets) return { unknown: true };
  const raw = targets.reduce((sum, { length }) => sum + length, 0);
  if (raw === 0 || raw > MAX_DELTA_RAW) throw bad('a frame decodes to more than it may');
  const base = present(() => asDictionary(piecesOf(context, trees.old, files)));
  if (!base || base.length > MAX_DELTA_PIECES) return { lacking: targets.map(({ id }) => ({ kind: KIND.chunk, id })) };
  if (base.reduce((sum, { length }) => sum + length, 0) > MAX_DELTA_BASE) throw tooLong();
  return { delta: { kind: KIND.chunk, targets, base, frame } };
}

const tooLong = (): PlaitError => bad('a dictionary is too long');

/** Undefined where a node is not here or not in order: whether that matters is found out at the marker. */
function present<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof PlaitError && (error.code === 'blob-absent' || error.code === 'integrity')) return undefined;
    throw error;
  }
}

function contentAt(find: Find, path: PathKey): Content {
  const content = find(path)?.content;
  if (!content) throw bad('they name a file that is not in its tree');
  return content;
}

function targetsOf(context: ResolveContext, find: Find, file: DeltaFile): DeltaInput['targets'] {
  const content = contentAt(find, file.path);
  return file.targets.flatMap(([first, count]: Run) => {
    const found: DeltaInput['targets'] = [];
    let left = count;
    for (const { id, length } of context.manifest.extentsFrom(context.nodes, content, { index: first })) {
      if (id) found.push({ id: Uint8Array.from(id), length });
      if (--left === 0) return found;
    }
    throw bad('they name extents that their file does not have');
  });
}

function* piecesOf(context: ResolveContext, find: Find, files: DeltaFile[]): Generator<BasePiece> {
  for (const { base, pieces } of files) {
    const content = contentAt(find, base);
    for (const run of pieces) yield* bytesOf(context, content, run);
  }
}

/** One more than there may be where there are too many: a tree says of each byte of a file that it is a chunk, if it likes. */
export function asDictionary(pieces: Iterable<BasePiece>): BasePiece[] {
  const found: BasePiece[] = [];
  for (const piece of pieces) if (found.push(piece) > MAX_DELTA_PIECES) break;
  return found;
}

/** Which parts of which chunks a range of a file's bytes is. Shared with the sender, so that both see one dictionary. */
export function* bytesOf(
  { manifest, nodes }: ResolveContext,
  content: Content,
  [start, count]: Run,
): Generator<BasePiece> {
  const end = count === 0 ? Number.POSITIVE_INFINITY : start + count;
  let bytes = 0;
  for (const { id, length, offset } of manifest.extentsFrom(nodes, content, { offset: start })) {
    const from = Math.max(start, offset);
    const reached = Math.min(end, offset + length);
    if (id) {
      yield { kind: KIND.chunk, id: Uint8Array.from(id), start: from - offset, length: reached - from };
      bytes += reached - from;
    }
    if (reached === end) return;
    if (bytes > MAX_DELTA_BASE) throw tooLong();
  }
  if (count !== 0 || bytes === 0) throw bad('they name bytes behind the end of a file');
}
