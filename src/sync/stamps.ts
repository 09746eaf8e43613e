/** When things last went well, as `doctor` and /metrics read it. */
import { installOf, type SnapshotId, type VolsetId } from '../core/ids.ts';
import type { MetaEngine, Outcome } from './engine.ts';
import { queueCount } from './queue.ts';
import { pulls, pushes, type ReplicateOptions, type Verb } from './replicate-options.ts';
import type { SyncResult } from './results.ts';

type Keeper = Pick<MetaEngine, 'meta' | 'world' | 'reporter'>;

/** What is said again within a minute is not written: a session with nothing to do costs no write. */
const EVERY_MS = 60_000;

export const SNAPSHOT = 'snapshot';
export const pushStamp = (remote: string): string => `push:${remote}`;
export const pullStamp = (remote: string): string => `pull:${remote}`;

/** What it tells of is done: that it cannot be noted must not make a failure of it. */
function put({ meta, world, reporter }: Keeper, what: string, volset: VolsetId | null, detail: string | null): void {
  try {
    meta.putStamp({ what, volset, at: world.now(), detail }, { everyMs: EVERY_MS });
  } catch (error) {
    reporter.warn(`when this went well could not be noted (${error instanceof Error ? error.message : error})`);
  }
}

/** `snapshot`: made now, or found to be what the directory still is. */
export function stampSnapshot(engine: Keeper, volset: VolsetId, snapshot: SnapshotId | null): void {
  if (snapshot !== null) put(engine, SNAPSHOT, volset, snapshot);
}

/** Branches have not parted, nothing was left out, refused, or put off. */
const SENT: ReadonlySet<number> = new Set([4, 5, 8]);
/** And the working directory came along. */
const TAKEN: ReadonlySet<number> = new Set([4, 5]);

/** After a session: all that was asked for is on the other side, or here. */
export function stampSession(
  engine: Keeper,
  verb: Verb,
  { result: { remote, volsetId }, exits }: Outcome<SyncResult>,
  options: ReplicateOptions,
): void {
  if (options.dryRun || !engine.meta.knowsVolset(volsetId)) return;
  if (pushes(verb, options)) stampPush(engine, remote, volsetId, exits);
  if (pulls(verb)) stampPull(engine, remote, volsetId, exits);
}

/** Of a follower that has nothing to do; null: of all volsets that it follows. */
export function stampStanding(
  engine: Keeper,
  remote: string,
  volset: VolsetId | null,
  { exits, sends }: { exits: number[]; sends: boolean },
): void {
  if (sends) stampPush(engine, remote, volset, exits);
  stampPull(engine, remote, volset, exits);
}

const areOnly = (exits: number[], allowed: ReadonlySet<number>): boolean =>
  exits.every((exit) => exit === 0 || allowed.has(exit));

function stampPush(engine: Keeper, remote: string, volset: VolsetId | null, exits: number[]): void {
  if (!areOnly(exits, SENT) || queueCount(engine.meta, { remote, volset: volset ?? undefined }).dead > 0) return;
  stampRemote(engine, remote, pushStamp(remote), volset);
}

function stampPull(engine: Keeper, remote: string, volset: VolsetId | null, exits: number[]): void {
  if (areOnly(exits, TAKEN)) stampRemote(engine, remote, pullStamp(remote), volset);
}

/** With the store that it was: another one in its place has been sent nothing yet. */
function stampRemote(engine: Keeper, name: string, what: string, volset: VolsetId | null): void {
  const identity = engine.meta.listRemotes().find((remote) => remote.name === name)?.identity;
  put(engine, what, volset, identity === undefined ? null : installOf(identity));
}

/** After a remote was renamed. */
export function renameStamps({ meta }: Pick<MetaEngine, 'meta'>, from: string, to: string): void {
  for (const { what, ...rest } of meta.stamps()) {
    if (what === pushStamp(from)) meta.putStamp({ what: pushStamp(to), ...rest });
    if (what === pullStamp(from)) meta.putStamp({ what: pullStamp(to), ...rest });
  }
}
