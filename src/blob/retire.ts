/** A damaged pack goes out of use: what can be read of it into a new one, its file to `damaged/`, the rest out of the index. */
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as tick } from 'node:timers/promises';
import { PlaitError } from '../core/errors.ts';
import { type Kind, objectKey } from '../core/hash.ts';
import type { VolsetId } from '../core/ids.ts';
import { ensureDirDurable, fsyncDir } from '../disk/durable.ts';
import { renameFile } from '../disk/files.ts';
import { idAt, objectAt, openBlock, wrongObjects } from './block.ts';
import type { ObjectRef } from './contract.ts';
import { aloneWithPacks, type GcSource } from './gc.ts';
import { isUnreadable } from './gc-packs.ts';
import { inStep, type PackName, Step } from './gc-step.ts';
import { readBorrowers } from './index-borrow.ts';
import { logBlocks } from './log-file.ts';
import { NewPacks } from './new-packs.ts';
import { readBlockAt, readDirectory } from './pack.ts';
import { packPath } from './pack-scan.ts';
import type { Session } from './session.ts';

export type RetireSource = Omit<GcSource, 'readNode'>;

export function retirePack(source: RetireSource, name: PackName): Promise<{ saved: number; lost: ObjectRef[] }> {
  return aloneWithPacks(source.storeDir, (session) => retire(source, name, session));
}

async function retire(source: RetireSource, name: PackName, session: Session) {
  const { index, packsDir } = source;
  const needed = index.objectsOfPack(name.volset, name.pack);
  const run = <T>(body: (step: Step) => T): Promise<T> =>
    index.write((tx) => inStep(new Step(tx, [name.volset, ...readBorrowers(tx.db, name.volset)]), body));
  const made = new NewPacks({
    volset: name.volset,
    packsDir,
    sessionDir: session.dir,
    from: [name],
    run,
    onPlaced: async () => {},
  });
  try {
    await copySound(source, name, new Set(needed.map(({ kind, id }) => objectKey(kind, id))), made);
    await made.flush();
  } finally {
    made.discard();
  }
  // Its directory alone was damaged: the file is whole again, and the rows tell where things are in it.
  if (made.placed.has(name.pack)) return { saved: needed.length, lost: [] };
  const lost = await run((step) => dropRest(step, name));
  // Under the lock, where no other of its name comes to its place.
  await index.write((tx) => {
    if (!tx.hasPack(name.volset, name.pack)) putAside(source, name);
  });
  return { saved: needed.length - lost.length, lost };
}

/** What the index wants of the pack, each object once. */
async function copySound(source: RetireSource, name: PackName, needed: Set<string>, made: NewPacks): Promise<void> {
  for (const bytes of readableBlocks(source, name)) {
    await tick();
    const block = opened(bytes);
    if (!block) continue;
    const wrong = new Set(wrongObjects(block));
    for (let n = 0; n < block.count; n++) {
      const ref = { kind: block.kind as Kind, id: idAt(block, n) };
      if (!wrong.has(n) && needed.delete(objectKey(ref.kind, ref.id)))
        await made.add(ref.kind, ref.id, objectAt(block, n));
    }
  }
}

function opened(bytes: Uint8Array): ReturnType<typeof openBlock> | undefined {
  try {
    return openBlock(bytes);
  } catch (error) {
    if (error instanceof PlaitError) return undefined;
    throw error;
  }
}

/** By the directory, or where that is damaged, whatever looks like a block. */
function* readableBlocks({ packsDir }: RetireSource, { volset, pack }: PackName): Generator<Uint8Array> {
  let fd: number;
  try {
    fd = openSync(packPath(packsDir, volset, pack), 'r');
  } catch (error) {
    if (isUnreadable(error)) return;
    throw error;
  }
  try {
    yield* byDirectory(fd, volset, pack) ?? bySearch(fd, volset);
  } finally {
    closeSync(fd);
  }
}

function byDirectory(fd: number, volset: VolsetId, pack: string): Generator<Uint8Array> | undefined {
  try {
    const { blocks } = readDirectory(fd, volset, pack);
    return (function* () {
      for (const { offset } of blocks) {
        const bytes = tried(() => readBlockAt(fd, offset));
        if (bytes) yield bytes;
      }
    })();
  } catch (error) {
    if (isUnreadable(error)) return undefined;
    throw error;
  }
}

function* bySearch(fd: number, volset: VolsetId): Generator<Uint8Array> {
  const blocks = logBlocks(fd, volset);
  for (let next = tried(() => blocks.next()); next && !next.done; next = tried(() => blocks.next()))
    yield next.value.bytes;
}

function tried<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (isUnreadable(error)) return undefined;
    throw error;
  }
}

/** Rows that still name the pack, and its own; answers with the objects, each once. */
function dropRest(step: Step, name: PackName): ObjectRef[] {
  const number = step.packNumber(name);
  if (number === undefined) return [];
  const { db } = step.tx;
  const lost = db.prepare('SELECT DISTINCT kind, id FROM objects WHERE pack = ?').all(number);
  db.prepare('DELETE FROM objects WHERE pack = ?').run(number);
  step.dropPack(number);
  return lost.map((row) => ({ ...row }) as unknown as ObjectRef);
}

/** For people to look at; gc and rebuilds of the index do not see it there. */
function putAside({ storeDir, packsDir }: RetireSource, { volset, pack }: PackName): void {
  const dir = join(storeDir, 'damaged');
  ensureDirDurable(dir);
  try {
    renameFile(packPath(packsDir, volset, pack), join(dir, `${volset}-${pack}.pack`));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  fsyncDir(dir);
  fsyncDir(join(packsDir, volset));
}
