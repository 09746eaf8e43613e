/** All objects of one kind of a volset, straight from its pack files and log: what metadata is rebuilt from. */
import { PlaitError } from '../core/errors.ts';
import type { Kind } from '../core/hash.ts';
import type { VolsetId } from '../core/ids.ts';
import { idAt, objectAt, openBlock, wrongObjects } from './block.ts';
import { logBlocks, logPath } from './log-file.ts';
import { readBlockAt, readDirectory, salvageBlocks, withFile } from './pack.ts';
import { packPath, packsIn } from './pack-scan.ts';

export interface StoredObject {
  /** 32 raw bytes. */
  id: Uint8Array;
  bytes: Uint8Array;
}

/** Sound objects only; may yield one twice. Packs in no order, the log last and in order of appending. */
export function* listObjects(packsDir: string, volset: VolsetId, kind: Kind): Generator<StoredObject> {
  for (const pack of packsIn(packsDir, volset)) {
    for (const block of readable(packPath(packsDir, volset, pack), (fd) => blocksOf(fd, volset, pack, kind)))
      yield* sound(block);
  }
  const ofKind = (fd: number): Uint8Array[] =>
    [...logBlocks(fd, volset)].filter((block) => block.kind === kind).map(({ bytes }) => bytes);
  for (const block of readable(logPath(packsDir, volset), ofKind)) yield* sound(block);
}

/** Nothing of a file whose very beginning is damaged, or that gc has removed meanwhile. */
function readable(path: string, blocks: (fd: number) => Uint8Array[]): Uint8Array[] {
  try {
    return withFile(path, blocks);
  } catch (error) {
    const isGone = (error as NodeJS.ErrnoException).code === 'ENOENT';
    if (isGone || (error instanceof PlaitError && error.code !== 'format')) return [];
    throw error;
  }
}

/** Encoded blocks of the kind; small in number for the kinds that this is for. */
function blocksOf(fd: number, volset: VolsetId, pack: string, kind: Kind): Uint8Array[] {
  try {
    const wanted = readDirectory(fd, volset, pack).blocks.filter((block) => block.kind === kind);
    return wanted.map((block) => readBlockAt(fd, block.offset));
  } catch (error) {
    if (!(error instanceof PlaitError) || error.code === 'format') throw error;
    const found: Uint8Array[] = [];
    for (const block of salvageBlocks(fd, volset)) if (block.kind === kind) found.push(block.bytes);
    return found;
  }
}

function* sound(bytes: Uint8Array): Generator<StoredObject> {
  let block: ReturnType<typeof openBlock>;
  try {
    block = openBlock(bytes);
  } catch (error) {
    if (error instanceof PlaitError && error.code !== 'format') return;
    throw error;
  }
  const wrong = new Set(wrongObjects(block));
  for (let n = 0; n < block.count; n++) {
    if (!wrong.has(n)) yield { id: idAt(block, n), bytes: objectAt(block, n) };
  }
}
