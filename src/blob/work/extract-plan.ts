/** Which files are written together: those whose first chunks lie in the same blocks, in the order of the packs. */
import type { Content, Extent } from '../../core/entry.ts';
import type { FileResult, FileTarget } from '../../core/files.ts';
import { hex } from '../../core/hash.ts';
import { ExtentsWriter } from './extents-writer.ts';
import { type ExtractUnit, type Locator, type PlacedExtents, TargetColumns } from './extract-types.ts';
import { BATCH_BYTES, BATCH_FILES, PARALLEL_FILE, PLAN_BYTES, PLAN_FILES } from './limits.ts';

export interface PlanInput {
  targets: Iterable<FileTarget>;
  extents: (content: Content) => Iterable<Extent>;
  locator: Locator;
}

export type Planned =
  | { kind: 'files'; unit: Omit<ExtractUnit, 'session' | 'root' | 'tempDir'>; targets: FileTarget[]; bytes: number }
  /** Too big for one worker; its extents are looked up while it is written. */
  | { kind: 'big'; target: FileTarget }
  | { kind: 'failed'; result: FileResult };

interface Located {
  target: FileTarget;
  extents: Extent[];
  places: { pack: string; block: number; raw: number }[];
}

/** Plans a bounded number of files at a time: the walk order of a tree is nearly the order of its packs anyway. */
export function* plan(input: PlanInput): Generator<Planned, void, undefined> {
  let files: Located[] = [];
  let bytes = 0;
  for (const target of input.targets) {
    if (target.size > PARALLEL_FILE) {
      yield { kind: 'big', target };
      continue;
    }
    const found = locate(target, input);
    if ('status' in found) {
      yield { kind: 'failed', result: found };
      continue;
    }
    files.push(found);
    bytes += target.size;
    if (files.length < PLAN_FILES && bytes < PLAN_BYTES) continue;
    yield* unitsOf(files);
    files = [];
    bytes = 0;
  }
  yield* unitsOf(files);
}

export const absent = (id: Uint8Array): string => `Object ${hex(id)} is not in this store.`;
export const wrongSize = (sum: number, size: number): string => `The content has ${sum} bytes, the entry says ${size}.`;

function locate(target: FileTarget, { extents, locator }: PlanInput): Located | FileResult {
  const found: Located = { target, extents: [], places: [] };
  let sum = 0;
  try {
    for (const extent of extents(target.content)) {
      found.extents.push(extent);
      sum += extent.length;
      if (sum > target.size) break;
      if (extent.id === undefined) continue;
      const place = locator.find(extent.id);
      if (place === undefined) return failed(target, absent(extent.id));
      found.places.push(place);
    }
  } catch (error) {
    return failed(target, error instanceof Error ? error.message : String(error));
  }
  return sum === target.size ? found : failed(target, wrongSize(sum, target.size));
}

const failed = (target: FileTarget, message: string): FileResult => ({ path: target.path, status: 'failed', message });

function* unitsOf(files: Located[]): Generator<Planned, void, undefined> {
  const order = packOrder(files);
  let group: Located[] = [];
  let bytes = 0;
  for (const file of order) {
    const full = bytes >= BATCH_BYTES || group.length >= BATCH_FILES;
    // A block that two workers need is decompressed twice: cut between blocks where there is a choice.
    if (group.length > 0 && full && (bytes >= 4 * BATCH_BYTES || !sameBlock(group[group.length - 1], file))) {
      yield pack(group, bytes);
      group = [];
      bytes = 0;
    }
    group.push(file);
    bytes += file.target.size;
  }
  if (group.length > 0) yield pack(group, bytes);
}

/** Files without chunks first, then packs in the order in which they are met. */
function packOrder(files: Located[]): Located[] {
  const ranks = new Map<string, number>();
  const keyed = files.map((file) => {
    const first = file.places.at(0);
    if (first === undefined) return { file, rank: -1, block: 0 };
    let rank = ranks.get(first.pack);
    if (rank === undefined) {
      rank = ranks.size;
      ranks.set(first.pack, rank);
    }
    return { file, rank, block: first.block };
  });
  return keyed.sort((a, b) => a.rank - b.rank || a.block - b.block).map(({ file }) => file);
}

const sameBlock = (a: Located, b: Located): boolean =>
  a.places[0]?.block === b.places[0]?.block && a.places[0]?.pack === b.places[0]?.pack;

function pack(files: Located[], bytes: number): Planned {
  const columns = new TargetColumns(files.length);
  const builder = new PlacedBuilder();
  const extentEnds = new Uint32Array(files.length);
  const firstPlaces = new Uint32Array(files.length);
  for (let n = 0; n < files.length; n++) {
    const { target, extents, places } = files[n];
    columns.set(n, target);
    firstPlaces[n] = builder.count;
    let next = 0;
    for (const extent of extents) builder.add(extent, extent.id === undefined ? undefined : places[next++]);
    extentEnds[n] = builder.endFile();
  }
  const targets = files.map((file) => file.target);
  const unit = {
    paths: targets.map((target) => target.path),
    extentEnds,
    firstPlaces,
    targets: columns.buffer,
    ...builder.take(),
  };
  return { kind: 'files', unit, targets, bytes };
}

/** Gathers extents and places into one message. */
export class PlacedBuilder {
  readonly #writer = new ExtentsWriter();
  readonly #packs = new Map<string, number>();
  readonly #places: number[] = [];

  /** Number of places so far. */
  get count(): number {
    return this.#places.length / 3;
  }

  add(extent: Extent, place: { pack: string; block: number; raw: number } | undefined): void {
    if (extent.id === undefined || place === undefined) {
      this.#writer.hole(extent.length);
      return;
    }
    let pack = this.#packs.get(place.pack);
    if (pack === undefined) {
      pack = this.#packs.size;
      this.#packs.set(place.pack, pack);
    }
    this.#writer.chunk(extent.length, extent.id);
    this.#places.push(pack, place.block, place.raw);
  }

  endFile(): number {
    this.#writer.end();
    return this.#writer.length;
  }

  take(): PlacedExtents {
    this.#writer.end();
    return { extents: this.#writer.take(), packs: [...this.#packs.keys()], places: Float64Array.from(this.#places) };
  }
}
