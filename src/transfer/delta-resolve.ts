/** From what an entry of deltas names (paths, extents, bytes of files) to what the engine decodes (ids, lengths). */
import type { BasePiece, DeltaInput, NodeSource, ObjectRef } from '../blob/contract.ts';
import type { Manifest } from '../blob/manifest/contract.ts';
import { MAX_DELTA_BASE, MAX_DELTA_RAW } from '../core/delta-limits.ts';
import type { Content } from '../core/entry.ts';
import { PlaitError } from '../core/errors.ts';
import { KIND, unhex } from '../core/hash.ts';
import type { NodeId } from '../core/ids.ts';
import type { PathKey } from '../core/paths.ts';
import { bad, type Run } from './delta-directory.ts';
import type { ChunkDelta, DeltaEntry, DeltaFile, NodeDelta } from './delta-format.ts';

export type Resolved =
  | { delta: DeltaInput }
  /** The base's tree is not here: these are to be sent plainly. */
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
  else for (const delta of entry.deltas) yield resolveChunks(entry, delta, context);
}

function resolveNodes({ targets, base: ids, frame }: NodeDelta, { nodes }: ResolveContext): Resolved {
  const base = present(() =>
    ids.map((id): BasePiece => ({ kind: KIND.node, id: unhex(id), start: 0, length: nodes.readNode(id).length })),
  );
  if (!base) return { lacking: targets.map(({ id }) => ({ kind: KIND.node, id: unhex(id) })) };
  checkDictionary(base);
  const wanted = targets.map(({ id, length }) => ({ id: unhex(id), length }));
  return { delta: { kind: KIND.node, targets: wanted, base, frame } };
}

function resolveChunks(entry: DeltaEntry, { files, frame }: ChunkDelta, context: ResolveContext): Resolved {
  const targets = present(() => files.flatMap((file) => targetsOf(context, entry.root, file)));
  if (!targets) return { unknown: true };
  const raw = targets.reduce((sum, { length }) => sum + length, 0);
  if (raw === 0 || raw > MAX_DELTA_RAW) throw bad('a frame decodes to more than it may');
  const base = present(() => files.flatMap((file) => piecesOf(context, entry.baseRoot, file)));
  if (!base) return { lacking: targets.map(({ id }) => ({ kind: KIND.chunk, id })) };
  checkDictionary(base);
  return { delta: { kind: KIND.chunk, targets, base, frame } };
}

function checkDictionary(base: BasePiece[]): void {
  if (base.reduce((sum, { length }) => sum + length, 0) > MAX_DELTA_BASE) throw tooLong();
}

const tooLong = (): PlaitError => bad('a dictionary is too long');

/** Undefined where a node is not here. */
function present<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof PlaitError && error.code === 'blob-absent') return undefined;
    throw error;
  }
}

function contentAt({ manifest, nodes }: ResolveContext, root: NodeId, path: PathKey): Content {
  const content = manifest.find(nodes, root, path)?.content;
  if (!content) throw bad('they name a file that is not in its tree');
  return content;
}

function targetsOf(context: ResolveContext, root: NodeId, file: DeltaFile): DeltaInput['targets'] {
  const content = contentAt(context, root, file.path);
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

function piecesOf(context: ResolveContext, root: NodeId, file: DeltaFile): BasePiece[] {
  const content = contentAt(context, root, file.base);
  return file.pieces.flatMap((run) => bytesOf(context, content, run));
}

/** Which parts of which chunks a range of a file's bytes is. Shared with the sender, so that both see one dictionary. */
export function bytesOf({ manifest, nodes }: ResolveContext, content: Content, [start, count]: Run): BasePiece[] {
  const end = count === 0 ? Number.POSITIVE_INFINITY : start + count;
  const found: BasePiece[] = [];
  let bytes = 0;
  for (const { id, length, offset } of manifest.extentsFrom(nodes, content, { offset: start })) {
    const from = Math.max(start, offset);
    const reached = Math.min(end, offset + length);
    if (id) {
      found.push({ kind: KIND.chunk, id: Uint8Array.from(id), start: from - offset, length: reached - from });
      bytes += reached - from;
    }
    if (reached === end) return found;
    if (bytes > MAX_DELTA_BASE) throw tooLong();
  }
  if (count === 0 && found.length > 0) return found;
  throw bad('they name bytes behind the end of a file');
}
