/** `plait export` and `plait import`: the data that would travel over HTTP, in a file. */
import { createReadStream, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { PlaitError } from '../core/errors.ts';
import type { SnapshotId } from '../core/ids.ts';
import { renameDurable } from '../disk/durable.ts';
import { removeFile, writeStream } from '../disk/files.ts';
import type { Engine } from '../sync/engine.ts';
import { currentVolset } from '../sync/engine.ts';
import { resolveReference } from '../sync/references.ts';
import { settle } from '../sync/settle.ts';
import { takeBundle } from '../sync/take-bundle.ts';
import { type Imported, importBundle as readBundle, exportBundle as writeBundle } from '../transfer/index.ts';
import type { Context } from './context.ts';
import { writeBytes } from './io.ts';

export async function exportBundle(
  context: Context,
  { ref, file, base }: { ref?: string; file: string; base?: string },
): Promise<void> {
  const engine = await context.engine();
  const volset = currentVolset(engine).id;
  const tip = ref === undefined ? startOf(engine) : resolveReference(engine, volset, ref).snapshot;
  const from = base === undefined ? undefined : resolveReference(engine, volset, base).snapshot;
  await settle(engine, volset);
  const { blob, meta, manifest, signal } = engine;
  const stream = writeBundle({ blob, meta, manifest, signal, volset, tip, base: from });
  if (file === '-') await writeBytes(context.io.stdout, stream);
  else await writeWhole(context.path(file), stream, signal);
}

function startOf(engine: Engine): SnapshotId {
  const base = engine.volume?.state.base;
  if (base) return base;
  throw new PlaitError('usage', 'which snapshot is to be exported?', { hint: 'name it: plait export REF FILE' });
}

/** The name appears only with the whole file behind it. */
async function writeWhole(path: string, stream: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
  requirePath(dirname(path), 'directory');
  const part = `${path}.part`;
  try {
    await pipeline(stream, writeStream(part), { signal });
    renameDurable(part, path);
  } catch (error) {
    removeFile(part);
    throw error;
  }
}

const noBundle = (file: string) => (error: unknown) => {
  if (!(error instanceof PlaitError) || error.code !== 'protocol') throw error;
  throw new PlaitError('protocol', `${file === '-' ? 'stdin' : file} is no whole bundle: ${error.message}`, {
    hint: 'make it again with `plait export REF FILE`, and copy it whole',
    cause: error,
  });
};

/** Before anything is opened: a mistyped path is the user's to correct, and no bug of ours. */
function requirePath(path: string, wanted: 'directory' | 'file'): string {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) {
    throw new PlaitError('not-found', `the ${wanted} ${path} does not exist`, { hint: 'check the path' });
  }
  if (found.isDirectory() === (wanted === 'directory')) return path;
  throw new PlaitError('usage', `${path} is no ${wanted}`, { hint: 'check the path' });
}

export interface ImportResult {
  volset: string;
  volsetId: string;
  snapshots: number;
  /** That stand now where they stood in the bundle. */
  branches: string[];
  /** That went another way here, and stay. */
  diverged: string[];
  chunks: number;
  bytes: number;
}

export async function importBundle(context: Context, file: string): Promise<{ result: ImportResult; exits: number[] }> {
  const engine = await context.engine();
  const { meta } = engine;
  const done = await takeFrom(context, engine, file).catch(noBundle(file));
  await settle(engine, done.volset);
  const names = new Map(meta.listBranches(done.volset).map((b) => [b.id, b.name]));
  const result: ImportResult = {
    volset: meta.findVolset(done.volset)?.name ?? done.volset,
    volsetId: done.volset,
    snapshots: done.snapshots.length,
    branches: done.branches.map((id) => names.get(id) ?? id),
    diverged: done.diverged.map((id) => names.get(id) ?? id),
    chunks: done.chunks,
    bytes: done.bytes,
  };
  return { result, exits: result.diverged.length > 0 ? [6] : [] };
}

/** What comes through a pipe can be read only once. */
function takeFrom(context: Context, engine: Engine, file: string): Promise<Imported> {
  const { blob, meta, manifest, signal } = engine;
  if (file === '-') return readBundle({ blob, meta, manifest, signal }, context.io.stdin);
  const path = requirePath(context.path(file), 'file');
  return takeBundle(engine, () => createReadStream(path, { highWaterMark: 1 << 20 }));
}
