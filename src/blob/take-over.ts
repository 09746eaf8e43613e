/**
 * What an earlier receiver of the same upload left, taken over: its packs stay as they are, each up to its first bad
 * block. Every block is checked again, on workers where there are many; one file is open at a time.
 */
import { fstatSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { PlaitError } from '../core/errors.ts';
import type { VolsetId } from '../core/ids.ts';
import { openReading, removeFile } from '../disk/files.ts';
import { BLOCK_HEADER, type BlockTable, parseFixed, parseHeader } from './block.ts';
import { packHeader, readBlockAt, readDirectory, withFile } from './pack.ts';
import { PACK_HEADER, type PackedBlock } from './pack-directory.ts';
import { PackWriter, type SealedPack } from './pack-writer.ts';
import { isOwnKind } from './received.ts';
import { release } from './release.ts';
import { type LeftPart, movedIn, partsIn, unmarkMoved } from './session-files.ts';
import type { SessionPacks } from './session-packs.ts';

/** Blocks read ahead of the one whose check is awaited: 1 MiB each, as a rule. */
const AHEAD = 8;

export interface TakeOver {
  dir: string;
  packs: SessionPacks;
  /** Checks one block wholly; answers with its bytes, in other memory perhaps. Throws PlaitErrors for bad ones. */
  check(bytes: Uint8Array): Promise<Uint8Array>;
  /** The volset lacks an object of this block. */
  lacks(block: BlockTable): boolean;
  /** Remembers the objects of a block that the volset lacks; answers with their number. */
  add(file: number, block: PackedBlock): number;
}

export async function takeOver(target: TakeOver): Promise<void> {
  const { dir, packs } = target;
  const parts = partsIn(dir);
  const moved = movedIn(dir);
  // Before anything is written: all numbers that are in use.
  for (const { file } of [...parts, ...moved]) packs.files.skip(file);
  for (const part of parts) await takePart(target, part, part === parts.at(-1));
  for (const { file, pack } of moved) {
    // Marked, and then not moved any more.
    const here = parts.some((part) => part.file === file);
    if (here || !(await takeMoved(target, file, pack))) unmarkMoved(dir, file, pack);
  }
}

async function takePart(target: TakeOver, { file, path }: LeftPart, last: boolean): Promise<void> {
  const { packs } = target;
  let added = 0;
  const writer = PackWriter.resume(path, packs.volset);
  try {
    for await (const bytes of soundBlocks(target, path)) {
      const offset = writer.adopt(bytes);
      added += target.add(file, { ...parseHeader(bytes), offset });
      release(bytes);
    }
    writer.cut();
  } catch (error) {
    writer.discard();
    throw error;
  }
  if (added > 0) return packs.files.adopt(file, writer, last);
  // Not a whole block, or the volset holds it all.
  writer.discard();
  removeFile(path);
}

/** Checked blocks in order, up to the first that is bad. Whoever gets one may release its memory. */
async function* soundBlocks({ packs, check }: TakeOver, path: string): AsyncGenerator<Uint8Array, void, undefined> {
  const handle = await openReading(path);
  try {
    if (!(await readAt(handle, 0, PACK_HEADER))?.equals(packHeader(packs.volset))) return;
    const ahead: Promise<Checked>[] = [];
    for (let offset = PACK_HEADER, ended = false; ; ) {
      while (!ended && ahead.length < AHEAD) {
        const bytes = await readBlock(handle, offset);
        ended = bytes === undefined;
        if (!bytes) break;
        offset += bytes.length;
        ahead.push(checked(check, bytes));
      }
      const first = await ahead.shift();
      if (!first) return;
      if ('error' in first) {
        await Promise.all(ahead);
        if (first.error instanceof PlaitError && first.error.code !== 'unexpected') return;
        throw first.error;
      }
      yield first.bytes;
    }
  } finally {
    await handle.close();
  }
}

type Checked = { bytes: Uint8Array } | { error: unknown };

const checked = (check: TakeOver['check'], bytes: Uint8Array): Promise<Checked> =>
  check(bytes).then(
    (sound) => ({ bytes: sound }),
    (error: unknown) => ({ error }),
  );

/** Undefined where no whole block of an allowed kind begins. */
async function readBlock(handle: FileHandle, offset: number): Promise<Uint8Array | undefined> {
  const head = await readAt(handle, offset, BLOCK_HEADER);
  if (!head) return undefined;
  let length: number;
  try {
    const { kind, totalLength } = parseFixed(head);
    if (isOwnKind(kind)) return undefined;
    length = totalLength;
  } catch (error) {
    if (error instanceof PlaitError) return undefined;
    throw error;
  }
  return readAt(handle, offset, length);
}

async function readAt(handle: FileHandle, offset: number, length: number): Promise<Buffer | undefined> {
  const bytes = Buffer.allocUnsafeSlow(length);
  for (let done = 0; done < length; ) {
    const { bytesRead } = await handle.read(bytes, done, length - done, offset + done);
    if (bytesRead === 0) return undefined;
    done += bytesRead;
  }
  return bytes;
}

/** A pack in its place, with objects that nothing needed when it went there. False where it has nothing for us. */
async function takeMoved(target: TakeOver, file: number, pack: string): Promise<boolean> {
  const { packs } = target;
  const path = packs.packPath(pack);
  const found = sealedAt(path, packs.volset, pack);
  let added = 0;
  for (const block of found?.blocks ?? []) {
    if (!found || !target.lacks(block) || !(await isSound(target, path, block.offset))) continue;
    if (added === 0) packs.adoptMoved(file, found.sealed);
    added += target.add(file, block);
  }
  return added > 0;
}

/** Undefined where it was repacked or is damaged: what is missing comes again. */
function sealedAt(
  path: string,
  volset: VolsetId,
  pack: string,
): { sealed: SealedPack; blocks: PackedBlock[] } | undefined {
  try {
    return withFile(path, (fd) => {
      const { blocks } = readDirectory(fd, volset, pack);
      const objects = blocks.reduce((sum, { count }) => sum + count, 0);
      return { sealed: { pack, path, bytes: fstatSync(fd).size, objects }, blocks };
    });
  } catch (error) {
    if (error instanceof PlaitError || (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

async function isSound({ check }: TakeOver, path: string, offset: number): Promise<boolean> {
  try {
    release(await check(withFile(path, (fd) => readBlockAt(fd, offset))));
    return true;
  } catch (error) {
    if (error instanceof PlaitError && error.code !== 'unexpected') return false;
    throw error;
  }
}
