/**
 * A long history of a large tree: one main line, and lines of work that leave it, take it in now and then, and are mostly
 * merged into it. Each snapshot changes a few files of the folders that its line works in.
 */
import { randomBytes } from 'node:crypto';
import { manifest } from '../../src/blob/manifest/index.ts';
import { conflictId } from '../../src/core/conflict.ts';
import type { Entry } from '../../src/core/entry.ts';
import type { BranchId, NodeId, SnapshotId, VolsetId } from '../../src/core/ids.ts';
import { joinKey, jsonPath, type PathKey, parentKey } from '../../src/core/paths.ts';
import type { Store } from '../../src/sync/engine.ts';
import { Bulk } from './bulk.ts';
import { Chance } from './chance.ts';
import { entriesOf, pathsOf } from './tree.ts';

export interface HistorySize {
  snapshots: number;
  branches: number;
  files: number;
}

interface Line {
  branch: BranchId;
  name: string;
  tip: SnapshotId;
  root: NodeId;
  /** Where it left the main line, or last took it in. */
  from: SnapshotId;
  /** Since it left the main line; null: gone. */
  changed: Map<PathKey, Entry | null>;
  /** Files it works on lie around this one. */
  around: number;
}

const PEOPLE = ['ada', 'ben', 'chidi', 'dora', 'emre', 'fay', 'gus', 'hana', 'ivo', 'jun'].map((name) => `${name}@lab`);
const WORKS = [
  'fix labels',
  'add samples',
  'retrain',
  'drop duplicates',
  'clean headers',
  'new schema',
  'tune weights',
];
const EVERY_MS = 100 * 60_000;
const A_SESSION = 250;
/** Merges of which one finds a path that both sides changed. */
const CONFLICT_EVERY = 4;

export async function makeHistory(store: Store, size: HistorySize, log: (line: string) => void): Promise<VolsetId> {
  const volset = randomBytes(16).toString('hex') as VolsetId;
  const maker = new HistoryMaker(new Bulk(store, volset), size);
  await maker.begin();
  log(`${size.files} files stored`);
  while (await maker.step()) if (maker.made % 1000 === 0) log(`${maker.made} of ${size.snapshots} snapshots`);
  return maker.end();
}

class HistoryMaker {
  readonly #bulk: Bulk;
  readonly #size: HistorySize;
  readonly #chance = new Chance(2);
  readonly #paths: PathKey[];
  readonly #all: Line[] = [];
  #open: Line[] = [];
  #time: number;
  #merges = 0;
  made = 0;

  constructor(bulk: Bulk, size: HistorySize) {
    this.#bulk = bulk;
    this.#size = size;
    this.#paths = pathsOf(size.files);
    this.#time = Date.now() - (size.snapshots + 1) * EVERY_MS;
  }

  async begin(): Promise<void> {
    const bulk = this.#bulk;
    bulk.edit({ edit: 'create-volset', name: 'observations', creator: PEOPLE[0] });
    bulk.edit({ edit: 'set', register: 'volset:description', value: 'Everything that the instruments saw' });
    const branch = this.#branch('main');
    const root = manifest.build(
      bulk,
      entriesOf(this.#paths, (path) => bulk.file(path, 0, this.#time)),
    );
    const tip = this.#snapshot(branch, { parents: [], root, description: 'first import' });
    this.#all.push({ branch, name: 'main', tip, root, from: tip, changed: new Map(), around: 0 });
    await bulk.flush();
  }

  /** False: it is long enough. */
  async step(): Promise<boolean> {
    const { snapshots, branches } = this.#size;
    if (this.made >= snapshots) return false;
    if (this.#all.length - 1 < Math.floor((this.made / snapshots) * branches)) this.#fork();
    const roll = this.#chance.next();
    const line = this.#open.length === 0 || roll < 0.2 ? this.#main : this.#chance.of(this.#open);
    // As many end as begin, but for a few that stay.
    const [ends, takesIn] = [(0.8 * branches) / snapshots, 0.03];
    if (line !== this.#main && roll > 1 - ends) this.#merge(line);
    else if (line !== this.#main && roll > 1 - ends - takesIn) this.#takeIn(line);
    else this.#work(line);
    if (this.made % A_SESSION === 0) await this.#bulk.flush();
    return true;
  }

  async end(): Promise<VolsetId> {
    while (this.#all.length < this.#size.branches) this.#fork();
    await this.#bulk.end();
    return this.#bulk.volset;
  }

  get #main(): Line {
    return this.#all[0];
  }

  #fork(): void {
    const { tip, root } = this.#main;
    const name = `${this.#chance.of(['work', 'fix', 'try'])}/${this.#chance.of(PEOPLE).split('@')[0]}-${this.#all.length}`;
    const around = this.#chance.below(this.#paths.length);
    const line: Line = { branch: this.#branch(name), name, tip, root, from: tip, changed: new Map(), around };
    this.#all.push(line);
    this.#open.push(line);
    this.#work(line);
  }

  #work(line: Line): void {
    const around = line === this.#main ? this.#chance.below(this.#paths.length) : line.around;
    const changed = new Map<PathKey, Entry | null>();
    for (let i = 1 + this.#chance.below(6); i > 0; i--) {
      const [path, entry] = this.#change(this.#paths[(around + this.#chance.below(40)) % this.#paths.length]);
      changed.set(path, entry);
    }
    line.root = this.#bulk.patch(line.root, changed);
    for (const [path, entry] of changed) line.changed.set(path, entry);
    this.#advance(line, [line.tip], `${this.#chance.of(WORKS)} in ${line.name}`);
  }

  #change(near: PathKey): readonly [PathKey, Entry | null] {
    const roll = this.#chance.next();
    if (roll < 0.05) return [near, null];
    const path = roll < 0.15 ? joinKey(parentKey(near), `extra-${this.made}.txt`) : near;
    return [path, this.#bulk.file(path, this.made, this.#time)];
  }

  /** The main line takes in what the line changed. */
  #merge(line: Line): void {
    const main = this.#main;
    const parents = [main.tip, line.tip].sort();
    const sides = { ours: main.tip, theirs: line.tip, base: line.from };
    main.root = this.#bulk.patch(main.root, line.changed);
    this.#advance(main, parents, `merge ${line.name}`);
    if (++this.#merges % CONFLICT_EVERY === 0) this.#conflict(line, sides);
    this.#open = this.#open.filter((other) => other !== line);
  }

  #takeIn(line: Line): void {
    if (line.from === this.#main.tip) {
      this.#work(line);
      return;
    }
    line.root = this.#bulk.patch(this.#main.root, line.changed);
    line.from = this.#main.tip;
    this.#advance(line, [line.tip, line.from].sort(), `take main into ${line.name}`);
  }

  #conflict(line: Line, { ours, theirs, base }: { ours: SnapshotId; theirs: SnapshotId; base: SnapshotId }): void {
    const [path] = this.#chance.of([...line.changed]);
    const { path: field } = jsonPath(path);
    const writes = [ours, theirs];
    this.#bulk.conflict({
      id: conflictId('path', path.replaceAll('\0', '/'), writes),
      kind: 'path',
      object: `snapshot:${this.#main.tip}`,
      field,
      initial: base,
      current: ours,
      target: theirs,
      resolution: 'target',
      resolved: false,
      writes,
    });
  }

  #advance(line: Line, parents: SnapshotId[], description: string): void {
    line.tip = this.#snapshot(line.branch, { parents, root: line.root, description });
  }

  #snapshot(branch: BranchId, made: { parents: SnapshotId[]; root: NodeId; description: string }): SnapshotId {
    this.#time += Math.floor(EVERY_MS * (0.5 + this.#chance.next()));
    this.made++;
    const name = this.made % 500 === 0 ? `v${this.made / 500}` : undefined;
    return this.#bulk.snapshot(branch, { ...made, name, created: this.#time, creator: this.#chance.of(PEOPLE) });
  }

  #branch(name: string): BranchId {
    const branch = randomBytes(16).toString('hex') as BranchId;
    this.#bulk.edit({ edit: 'create-branch', branch, name, creator: this.#chance.of(PEOPLE) });
    return branch;
  }
}
