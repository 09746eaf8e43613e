/** A restore drill: files drawn from all snapshots are restored elsewhere, as `restore` does it, and read back. */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Entry } from '../../core/entry.ts';
import { PlaitError } from '../../core/errors.ts';
import type { SnapshotId, VolsetId } from '../../core/ids.ts';
import { jsonPath, type PathKey, showPath } from '../../core/paths.ts';
import { makeDir, removeTree } from '../../disk/files.ts';
import type { SnapshotView } from '../../meta/contract.ts';
import { compareRestored } from '../../volume/compare-restored.ts';
import { restoreEntries } from '../../volume/restore.ts';
import type { Engine } from '../engine.ts';
import { selectedEntries } from '../restore.ts';
import type { JsonPath } from '../results.ts';
import { type Finding, MAX_PATHS, noneAffected } from './findings.ts';
import { completeSnapshots } from './snapshots.ts';

export interface DrillResult {
  /** The same seed over the same store draws the same files. */
  seed: string;
  files: number;
  bytes: number;
  failed: number;
  /** What was restored, at most 100. */
  restored: (JsonPath & { volset: VolsetId; snapshot: SnapshotId; ok: boolean })[];
}

const MAX_ROWS = 100;

interface Draw {
  volset: VolsetId;
  view: SnapshotView;
  paths: PathKey[];
}

export async function restoreDrill(
  engine: Engine,
  wanted: number,
  seed: string,
): Promise<{ drill: DrillResult; findings: Finding[] }> {
  const random = generatorOf(seed);
  const drill: DrillResult = { seed, files: 0, bytes: 0, failed: 0, restored: [] };
  const findings: Finding[] = [];
  const phase = engine.reporter.phase('restoring a sample', { items: wanted });
  const dir = join(tmpdir(), `plait-drill-${engine.world.random(8).toString('hex')}`);
  makeDir(dir);
  try {
    for (const [n, draw] of drawn(engine, wanted, random).entries()) {
      const finding = await attempt(engine, draw, join(dir, String(n)), drill, random);
      if (finding) findings.push(finding);
      phase.advance({ items: draw.paths.length });
    }
  } finally {
    removeTree(dir);
  }
  phase.end();
  return { drill, findings };
}

/** Snapshots with as many draws as fell to each; each snapshot is as likely as any other, at each draw. */
function drawn(engine: Engine, wanted: number, random: () => number): (Draw & { count: number })[] {
  const slots: { volset: VolsetId; view: SnapshotView }[] = [];
  let seen = 0;
  for (const { id: volset } of engine.meta.listVolsets()) {
    for (const view of completeSnapshots(engine, volset)) {
      seen++;
      for (let n = 0; n < wanted; n++) if (random() * seen < 1) slots[n] = { volset, view };
    }
  }
  return [...Map.groupBy(slots, ({ volset, view }) => `${volset}${view.id}`).values()].map((group) => ({
    ...group[0],
    count: group.length,
    paths: [],
  }));
}

async function attempt(
  engine: Engine,
  draw: Draw & { count: number },
  dir: string,
  drill: DrillResult,
  random: () => number,
): Promise<Finding | undefined> {
  const { volset, view } = draw;
  const bad = new Map<PathKey, string>();
  try {
    draw.paths = drawPaths(engine, draw, random);
    await restoreThem(engine, draw, dir, drill, bad);
  } catch (error) {
    if (!(error instanceof PlaitError) || (error.code !== 'integrity' && error.code !== 'blob-absent')) throw error;
    for (const path of draw.paths) bad.set(path, error.message);
    if (draw.paths.length === 0) return findingOf(draw, [], error.message);
  }
  for (const path of draw.paths) {
    if (drill.restored.length < MAX_ROWS)
      drill.restored.push({ ...jsonPath(path), volset, snapshot: view.id, ok: !bad.has(path) });
  }
  drill.files += draw.paths.length;
  drill.failed += bad.size;
  if (bad.size === 0) return undefined;
  const [[path, what]] = bad;
  return findingOf(draw, [...bad.keys()], `${showPath(path)}: ${what}`);
}

const findingOf = ({ volset, view }: Draw, paths: PathKey[], what: string): Finding => ({
  ...noneAffected(),
  kind: 'drill',
  volset,
  snapshots: [view.id],
  paths: paths.slice(0, MAX_PATHS).map(jsonPath),
  pathCount: paths.length,
  what: `a restore drill failed: ${what}`,
});

/** So many files and links of the snapshot, each as likely as any other. */
function drawPaths(engine: Engine, { volset, view, count }: Draw & { count: number }, random: () => number): PathKey[] {
  const paths: PathKey[] = [];
  let seen = 0;
  for (const { kind, path } of engine.manifest.entries(engine.blob.reader(volset), view.body.root)) {
    if (kind === 'dir') continue;
    seen++;
    if (paths.length < count) paths.push(path);
    else {
      const at = Math.floor(random() * seen);
      if (at < count) paths[at] = path;
    }
  }
  return paths.sort();
}

async function restoreThem(
  engine: Engine,
  { volset, view, paths }: Draw,
  dir: string,
  drill: DrillResult,
  bad: Map<PathKey, string>,
): Promise<void> {
  if (paths.length === 0) return;
  const reader = engine.blob.reader(volset);
  const entries = () => removable(selectedEntries(engine, volset, view.body.root, { paths }));
  const { problems } = await restoreEntries({
    dir,
    unique: engine.world.random(8).toString('hex'),
    entries,
    preserve: [],
    isSaved: () => false,
    overwrite: false,
    extract: (into, tempDir, files) => reader.extract(into, tempDir, files, { signal: engine.signal }),
    signal: engine.signal,
  });
  for (const { path, message } of problems) bad.set(path, message);
  const { bytes, differences } = await compareRestored({
    dir,
    entries,
    preserve: [],
    extents: (content) => reader.extents(content),
    except: new Set(bad.keys()),
    signal: engine.signal,
  });
  drill.bytes += bytes;
  for (const { path, what, unseen } of differences) if (!unseen) bad.set(path, what);
}

/** A directory that its own mode closes could not be cleaned up. */
function* removable(entries: Iterable<Entry>): Generator<Entry> {
  for (const entry of entries) yield entry.kind === 'dir' ? { ...entry, mode: entry.mode | 0o700 } : entry;
}

/** Numbers in [0, 1) that follow from a text (xmur3 and mulberry32): the draw can be made again. */
function generatorOf(seed: string): () => number {
  let state = 1779033703 ^ seed.length;
  for (let n = 0; n < seed.length; n++) {
    state = Math.imul(state ^ seed.charCodeAt(n), 3432918353);
    state = (state << 13) | (state >>> 19);
  }
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
