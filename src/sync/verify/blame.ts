/**
 * Which snapshots and files lost objects hurt. One pass over the snapshots for all findings of a volset, from difference
 * to difference: memory grows with what is hurt, not with what there is.
 */
import { PlaitError } from '../../core/errors.ts';
import { hex, KIND } from '../../core/hash.ts';
import type { NodeId, SnapshotId, VolsetId } from '../../core/ids.ts';
import { jsonPath, type PathKey } from '../../core/paths.ts';
import type { Engine } from '../engine.ts';
import { type Finding, MAX_PATHS } from './findings.ts';
import { completeSnapshots } from './snapshots.ts';

/** Distinct paths that are counted per finding. */
const MAX_COUNTED = 100_000;

/** Adds to what the findings hurt. */
export function blame(engine: Engine, volset: VolsetId, findings: readonly Finding[]): void {
  const job = new Blame(engine, volset, findings);
  if (job.isEmpty) return;
  const phase = engine.reporter.phase('looking for what is hurt', { items: engine.meta.findVolset(volset)?.snapshots });
  for (const { id, body } of completeSnapshots(engine, volset)) {
    job.take(id, body.root);
    phase.advance({ items: 1 });
  }
  job.finish();
  phase.end();
}

class Blame {
  readonly #engine: Engine;
  readonly #volset: VolsetId;
  readonly #findings: readonly Finding[];
  /** By chunk, as numbers of findings. */
  readonly #lost = new Map<string, number[]>();
  /** Files of the snapshot at hand that are hurt, and by what. */
  #hurt = new Map<PathKey, number[]>();
  /** Files of that snapshot that each finding hurts. */
  readonly #counts: number[];
  readonly #paths: Set<PathKey>[];
  readonly #snapshots: Set<SnapshotId>[];
  #previous: NodeId | undefined;

  constructor(engine: Engine, volset: VolsetId, findings: readonly Finding[]) {
    this.#engine = engine;
    this.#volset = volset;
    this.#findings = findings;
    this.#counts = findings.map(() => 0);
    this.#paths = findings.map(() => new Set());
    this.#snapshots = findings.map(({ snapshots }) => new Set(snapshots));
    findings.forEach((finding, n) => {
      if (!('lost' in finding)) return;
      for (const { kind, id } of finding.lost) {
        if (kind !== KIND.chunk) continue;
        const key = hex(id);
        this.#lost.set(key, [...(this.#lost.get(key) ?? []), n]);
      }
    });
  }

  get isEmpty(): boolean {
    return this.#lost.size === 0;
  }

  take(snapshot: SnapshotId, root: NodeId): void {
    let changed: [PathKey, number[]][];
    try {
      changed = [...this.#changes(root)];
    } catch (error) {
      // Told already, by whoever walked the trees. The next one is compared with the last that could be read.
      if (error instanceof PlaitError) return;
      throw error;
    }
    for (const [path, numbers] of changed) this.#put(path, numbers);
    this.#previous = root;
    this.#counts.forEach((count, n) => {
      if (count > 0) this.#snapshots[n].add(snapshot);
    });
  }

  /** Paths that are other than before, with what hurts them now. */
  *#changes(root: NodeId): Generator<[PathKey, number[]]> {
    const { blob, manifest, signal } = this.#engine;
    const reader = blob.reader(this.#volset);
    const changes =
      this.#previous === undefined
        ? (function* () {
            for (const after of manifest.entries(reader, root)) yield { path: after.path, after };
          })()
        : manifest.diff(reader, this.#previous, root);
    for (const { path, after } of changes) {
      signal.throwIfAborted();
      const numbers = new Set<number>();
      if (after?.content) {
        for (const { id } of reader.extents(after.content))
          if (id !== undefined) for (const n of this.#lost.get(hex(id)) ?? []) numbers.add(n);
      }
      if (numbers.size > 0 || this.#hurt.has(path)) yield [path, [...numbers]];
    }
  }

  #put(path: PathKey, numbers: number[]): void {
    for (const n of this.#hurt.get(path) ?? []) this.#counts[n]--;
    if (numbers.length === 0) this.#hurt.delete(path);
    else this.#hurt.set(path, numbers);
    for (const n of numbers) {
      this.#counts[n]++;
      if (this.#paths[n].size < MAX_COUNTED) this.#paths[n].add(path);
    }
  }

  finish(): void {
    this.#findings.forEach((finding, n) => {
      finding.snapshots = [...this.#snapshots[n]];
      finding.pathCount += this.#paths[n].size;
      for (const path of this.#paths[n]) if (finding.paths.length < MAX_PATHS) finding.paths.push(jsonPath(path));
    });
  }
}
