/** What every verb is given: an opened store, the working directory if there is one, and the outside world. */
import type { BlobStore } from '../blob/contract.ts';
import type { Manifest } from '../blob/manifest/contract.ts';
import { PlaitError } from '../core/errors.ts';
import type { NodeId, SnapshotId, VolsetId } from '../core/ids.ts';
import type { Peer } from '../core/peer.ts';
import type { Reporter } from '../core/reporter.ts';
import type { MetaStore, RemoteConfig, SnapshotView, VolsetView } from '../meta/contract.ts';
import type { Volume } from '../volume/contract.ts';
import type { LineUse } from './replicate-options.ts';

export interface Store {
  readonly dir: string;
  readonly meta: MetaStore;
  readonly blob: BlobStore;
}

/** Clock, randomness and who is asking; the one place they come from. */
export interface World {
  /** Milliseconds since the epoch. */
  now(): number;
  random(bytes: number): Buffer;
  /** Recorded in snapshots, `user@host` unless configured. */
  creator: string;
}

/** In [0, 1), anew at each call. */
export const chanceOf =
  (world: Pick<World, 'random'>): (() => number) =>
  () =>
    world.random(4).readUInt32BE() / 2 ** 32;

export interface Engine extends Store {
  readonly manifest: Manifest;
  readonly volume?: Volume;
  readonly world: World;
  readonly reporter: Reporter;
  readonly signal: AbortSignal;
  /** Chosen with --volset, by name or id. */
  readonly volsetName?: string;
  /** Longest wait for another process on the same store or working directory, ms. */
  readonly lockWaitMs: number;
  /** Configured: a file of the working directory that is there while an application writes (hold-brackets.ts). */
  readonly lockFile?: string;
  openPeer(remote: RemoteConfig, use?: LineUse): Promise<Peer>;
}

/** For verbs that look at metadata only: no blob store is opened for them. */
export type MetaEngine = Omit<Engine, 'blob' | 'manifest'>;

/** What a verb answers: the JSON document and the exit codes that its parts ask for. */
export interface Outcome<T> {
  result: T;
  exits: number[];
}

export const outcome = <T>(result: T, ...exits: (number | false | undefined)[]): Outcome<T> => ({
  result,
  exits: exits.filter((code): code is number => typeof code === 'number' && code !== 0),
});

/** The volset that a command means: --volset, else the working directory's, else the store's only one. */
export function currentVolset(engine: MetaEngine): VolsetView {
  const all = engine.meta.listVolsets();
  if (engine.volsetName !== undefined) return volsetByName(all, engine.volsetName);
  const own = engine.volume && all.find((v) => v.id === engine.volume?.state.volset);
  if (own) return own;
  if (engine.volume && engine.meta.knowsVolset(engine.volume.state.volset)) {
    throw new PlaitError('not-found', 'the volset of this working directory was deleted', {
      hint: 'its files are as they were: move its .plait away and run `plait init` to go on with them in a new one',
    });
  }
  if (engine.volume) {
    throw new PlaitError('not-found', 'the volset of this working directory is not in its store yet', {
      hint: 'a clone that was cut off is finished by the same `plait clone` again',
    });
  }
  if (all.length === 1) return all[0];
  if (all.length === 0) {
    throw new PlaitError('not-found', 'this store holds no volset yet', {
      hint: 'make one with `plait init DIR`, or push one here',
    });
  }
  throw new PlaitError('usage', 'this store holds several volsets', {
    hint: `go into a working directory of one of them, or name it: fetch, push, pull and sync with --volset, update with volset:NAME (${all.map((v) => v.name).join(', ')})`,
    data: { volsets: all.map((v) => ({ id: v.id, name: v.name })) },
  });
}

export function volsetByName(all: VolsetView[], name: string): VolsetView {
  const plain = name.startsWith('volset:') ? name.slice(7) : name;
  const hits = all.filter((v) => v.name === plain || v.id === plain);
  if (hits.length === 1) return hits[0];
  if (hits.length > 1) {
    throw new PlaitError('ambiguous-reference', `several volsets are named ${plain}`, {
      hint: 'name it by its id',
      data: { candidates: hits.map((v) => v.id) },
    });
  }
  throw new PlaitError('not-found', `no volset named ${plain} here`, {
    hint: 'see `plait volset list`',
    data: { volsets: all.map((v) => v.name) },
  });
}

export function readSnapshot(engine: Pick<Engine, 'meta'>, volset: VolsetId, id: SnapshotId): SnapshotView {
  const view = engine.meta.findSnapshot(volset, id);
  if (view) return view;
  const isForgotten = engine.meta.forgotten(volset, [id]).length > 0;
  throw new PlaitError(
    'not-found',
    `snapshot ${id.slice(0, 12)} ${isForgotten ? 'was forgotten' : 'is not known here'}`,
    {
      ...(isForgotten && {
        hint: 'somebody took it away with `plait forget`; where a branch still points at it, `plait pull` moves the branch on',
        data: { snapshot: id, forgotten: true },
      }),
    },
  );
}

/** Root of a snapshot whose blob is here; otherwise the error names who has it and how to get it. */
export function rootHere(engine: Engine, volset: VolsetId, id: SnapshotId): NodeId {
  const view = readSnapshot(engine, volset, id);
  if (view.hasBlob) return view.body.root;
  const remotes = engine.meta.listRemotes().filter((r) => r.volset === volset);
  const ends = ({ identity }: RemoteConfig) =>
    identity && engine.meta.refs(volset, identity).some((r) => r.snapshot === id);
  const remote = (remotes.find(ends) ?? remotes[0])?.name;
  throw new PlaitError('blob-absent', `the data of snapshot ${id.slice(0, 12)} is not in this store`, {
    hint: remote
      ? `fetch it with \`plait pull ${remote} --snapshot ${id.slice(0, 12)}\``
      : 'no remote is known that has it: add one with `plait remote add`',
    data: { snapshot: id, remotes: remotes.map((r) => r.name) },
  });
}

export function requireVolume(engine: Pick<Engine, 'volume'>): Volume {
  if (engine.volume) return engine.volume;
  throw new PlaitError('no-store', 'this is not a working directory of plait', {
    hint: 'go into one, name it with -C DIR, or make one with `plait init`',
  });
}
