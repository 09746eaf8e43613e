/** All objects of one kind of a volset, straight from its pack files and log: what metadata is rebuilt from. */
import { existsSync } from 'node:fs';
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
    for (const block of withFile(packPath(packsDir, volset, pack), (fd) => blocksOf(fd, volset, pack, kind)))
      yield* sound(block);
  }
  const log = logPath(packsDir, volset);
  if (!existsSync(log)) return;
  const blocks = withFile(log, (fd) => [...logBlocks(fd, volset)].filter((block) => block.kind === kind));
  for (const { bytes } of blocks) yield* sound(bytes);
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
