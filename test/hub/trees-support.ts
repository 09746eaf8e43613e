/** A hub whose store holds snapshots of any shape, and what it shows of them. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { manifest } from '../../src/blob/manifest/index.ts';
import type { Entry } from '../../src/core/entry.ts';
import { KIND, snapshotId } from '../../src/core/hash.ts';
import type { SnapshotId, VolsetId } from '../../src/core/ids.ts';
import { type PathKey, parentKey, ROOT } from '../../src/core/paths.ts';
import { encodeSnapshotBody } from '../../src/core/snapshot-body.ts';
import { routes } from '../../src/hub/index.ts';
import { encodeQueryPath } from '../../src/wire/query-path.ts';
import { decode } from '../../src/wire/schema.ts';
import { bodyOf } from '../transfer/support/history.ts';
import type { RealHub } from './real-hub.ts';

/** By path, one character a byte, `/` separated: a file's content, or an entry. Folders above need not be named. */
export type Shape = Record<string, string | Buffer | (Partial<Entry> & { text?: string })>;

export const keyOf = (path: string): PathKey => path.replaceAll('/', '\0') as PathKey;
export const newVolset = (): VolsetId => randomBytes(16).toString('hex') as VolsetId;

export async function makeVolset({ thread }: RealHub, volset = newVolset()): Promise<VolsetId> {
  await thread.meta.commit(volset, [{ edit: 'create-volset', name: volset, creator: 'test' }]);
  return volset;
}

export interface MakeOptions {
  /** Its data is not here. */
  absent?: boolean;
  parents?: SnapshotId[];
}

/** Stores the tree as a snapshot of the hub's own. */
export async function makeSnapshot(
  { blob, thread }: RealHub,
  volset: VolsetId,
  shape: Shape,
  { absent = false, parents = [] }: MakeOptions = {},
): Promise<SnapshotId> {
  await using writer = blob.writer(volset);
  const entries = entriesOf(shape, (bytes) => writer.putBytes(bytes));
  const root = manifest.build(writer, entries);
  const body = bodyOf({ root, parents, created: 1_600_000_000_000, files: entries.length }, volset);
  const bytes = encodeSnapshotBody(body);
  const id = snapshotId(bytes);
  writer.putObject(KIND.snapshot, bytes);
  await writer.finish(async () => {
    await thread.meta.commit(volset, [{ edit: 'snapshot', id, body, blob: !absent }]);
  });
  return id;
}

export function entriesOf(shape: Shape, put: (bytes: Buffer) => Entry['content']): Entry[] {
  const found = new Map<PathKey, Entry>();
  for (const [name, what] of Object.entries(shape)) {
    const path = keyOf(name);
    for (let above = parentKey(path); above !== ROOT; above = parentKey(above)) {
      if (!found.has(above)) found.set(above, { path: above, kind: 'dir', mode: 0o755, mtime: 0n, size: 0 });
    }
    const { text, ...fields } = typeof what === 'string' || Buffer.isBuffer(what) ? { text: what } : what;
    const bytes = Buffer.from((text ?? '') as string);
    const file = { path, kind: 'file' as const, mode: 0o644, mtime: 1_500_000_000_000_000_000n, size: bytes.length };
    found.set(path, { ...file, ...(text !== undefined && { content: put(bytes) }), ...fields });
  }
  return [...found.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** As a client asks; parameters that name paths are encoded. */
export function ask(
  { hub }: RealHub,
  path: string,
  query: Record<string, string | undefined> = {},
  token?: string,
): Promise<Response> {
  const url = new URL(path, hub.url);
  for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, value);
  return fetch(url, { headers: token ? { authorization: `Bearer ${token}` } : {} });
}

export const at = (path: string): string => encodeQueryPath(keyOf(path));

/** A page, checked against the schema that its route tells. */
export async function page<T>(real: RealHub, path: string, query: Record<string, string | undefined> = {}): Promise<T> {
  const answer = await ask(real, path, query);
  const value: unknown = await answer.json();
  assert.equal(answer.status, 200, JSON.stringify(value));
  const last = path.slice(path.lastIndexOf('/'));
  const schema = routes.find((route) => route.path.endsWith(last))?.answer.schema;
  assert.ok(schema, path);
  return decode<T>(schema, value, path);
}

export async function refusal(answer: Response): Promise<{ status: number; code: string; hint?: string }> {
  const { error } = (await answer.json()) as { error: { code: string; hint?: string } };
  return { status: answer.status, code: error.code, hint: error.hint };
}
