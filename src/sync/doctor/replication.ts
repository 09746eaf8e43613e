/** Whether snapshots are made and reach the remotes, by the stamps of what went well. No remote is asked. */
import { compareTips } from '../../core/ancestry.ts';
import { installOf, type SnapshotId, type VolsetId } from '../../core/ids.ts';
import type { RemoteConfig, Stamp } from '../../meta/contract.ts';
import { remoteTips } from '../references.ts';
import { pullStamp, pushStamp, SNAPSHOT } from '../stamps.ts';
import { arrivedChecks } from './arrived.ts';
import { ago, type CheckRow, count, isOld, type Look, right, volsetName, wrong } from './checks.ts';

const CRON = 'does the timer or cron job still run? see its log, and run `plait snapshot --push REMOTE` once by hand';

const here = (look: Look): VolsetId[] => [...new Set(look.volumes.map(({ state }) => state.volset))];

const stampOf = ({ stamps }: Look, what: string, volset: VolsetId | null): Stamp | undefined =>
  stamps.find((stamp) => stamp.what === what && stamp.volset === volset);

/** Of each volset with a working directory here. One that only takes what others make needs none. */
export const snapshotChecks = (look: Look): CheckRow[] =>
  here(look).map((volset) => {
    const name = `snapshot ${volsetName(look, volset)}`;
    const stamp = stampOf(look, SNAPSHOT, volset);
    const remotes = look.engine.meta.listRemotes();
    if (stamp === undefined) {
      const taken = remotes.some((remote) => stampOf(look, pullStamp(remote.name), volset) !== undefined);
      if (taken) return right(name, 'none was made here: this directory takes what others make');
      return remotes.length === 0
        ? right(name, 'none yet')
        : wrong(name, 'none yet', 'make the first with `plait snapshot`');
    }
    const detail = `${stamp.detail?.slice(0, 12) ?? ''}, ${ago(look, stamp.at)}`;
    return isOld(look, stamp.at) ? wrong(name, detail, CRON) : right(name, detail);
  });

/** Of each remote: the last push, or the last pull where nothing is made here. */
export function remoteChecks(look: Look): CheckRow[] {
  const remotes = look.engine.meta.listRemotes();
  if (remotes.length === 0) return [right('remotes', 'none: all there is, is on this machine', NO_REMOTE)];
  const rows = remotes.flatMap((remote) => (remote.enabled ? enabledChecks(look, remote) : [switchedOff(remote)]));
  // One beside others is meant to be off; with all of them off nothing leaves this machine.
  if (!remotes.some(({ enabled }) => enabled)) return [...rows, wrong('remotes', 'all are switched off', ALL_OFF)];
  // Where a remote is behind, that row says it.
  return rows.every(({ ok }) => ok) ? [...rows, ...arrivedChecks(look)] : rows;
}

const ALL_OFF = 'switch one on with `plait config set remote.NAME.enabled true`';
const NO_REMOTE = 'add one with `plait remote add origin URL`';

const switchedOff = ({ name }: RemoteConfig): CheckRow =>
  right(`remote ${name}`, 'switched off', `switch it on with \`plait config set remote.${name}.enabled true\``);

function enabledChecks(look: Look, remote: RemoteConfig): CheckRow[] {
  const volsets = here(look).filter((volset) => isAbout(look, remote, volset));
  // Without a working directory: what it has met last, of whatever volset.
  if (volsets.length === 0) return [contact(look, remote, undefined)];
  return volsets.map((volset) => contact(look, remote, volset));
}

/** A remote that has not said yet what it is about may be about anything. */
function isAbout(look: Look, { name, volset, volsetName: asked }: RemoteConfig, own: VolsetId): boolean {
  if (volset !== undefined) return volset === own || met(look, name, own);
  return asked === undefined || volsetName(look, own) === asked;
}

const met = (look: Look, remote: string, volset: VolsetId): boolean =>
  [pushStamp(remote), pullStamp(remote)].some((what) => stampOf(look, what, volset) !== undefined);

function contact(look: Look, remote: RemoteConfig, volset: VolsetId | undefined): CheckRow {
  const [pushed, pulled] = [pushStamp, pullStamp].map((what) => newest(look, remote, what(remote.name), volset));
  const makes = volset !== undefined && stampOf(look, SNAPSHOT, volset) !== undefined;
  const verb = makes || pushed !== undefined || pulled === undefined ? 'push' : 'pull';
  const several = here(look).length > 1 && volset !== undefined;
  const name = `${verb} ${remote.name}${several ? ` ${volsetName(look, volset)}` : ''}`;
  const at = verb === 'push' ? pushed : pulled;
  const again = `see what \`plait ${verb} ${remote.name}\` says; ${CRON}`;
  if (at === undefined) return wrong(name, 'never', again);
  return isOld(look, at) ? wrong(name, ago(look, at), again) : right(name, ago(look, at));
}

/** Of another store that was this remote before, none counts. */
function newest(look: Look, { identity }: RemoteConfig, what: string, volset: VolsetId | undefined) {
  const known = look.stamps.filter(
    (stamp) =>
      stamp.what === what &&
      (volset === undefined || stamp.volset === volset || stamp.volset === null) &&
      (stamp.detail === null || identity === undefined || stamp.detail === installOf(identity)),
  );
  return known.length === 0 ? undefined : Math.max(...known.map(({ at }) => at));
}

export function queueCheck(look: Look): CheckRow {
  const { meta } = look.engine;
  const sums = meta.queueCounts().reduce((all, { waiting, dead }) => [all[0] + waiting, all[1] + dead], [0, 0]);
  const [waiting, dead] = sums;
  if (dead > 0) {
    const were = dead === 1 ? 'was' : 'were';
    return wrong('queue', `${count(dead, 'snapshot')} ${were} refused and ${were} not sent`, REFUSED);
  }
  if (waiting === 0) return right('queue', 'nothing waits');
  const oldest = oldestWaiting(look);
  const detail = `${count(waiting, 'snapshot')} ${waiting === 1 ? 'waits' : 'wait'}, the oldest queued ${ago(look, oldest)}`;
  return isOld(look, oldest) ? wrong('queue', detail, WAITS) : right('queue', detail);
}

const REFUSED = 'see why with `plait queue list`; then `plait queue retry REMOTE` or `plait queue drop REMOTE`';
const WAITS = 'see `plait queue list`, and what `plait push REMOTE` says';

/** Of enabled remotes and others: what waits for a remote that is switched off waits as well. */
function oldestWaiting({ engine: { meta }, now }: Look): number {
  let oldest = now;
  for (let after: ReturnType<typeof meta.queue>[number] | undefined; ; ) {
    const page = meta.queue({ dead: false }, { limit: 1000, ...(after && { after }) });
    for (const { added } of page) oldest = Math.min(oldest, added);
    after = page.at(-1);
    if (page.length < 1000) return oldest;
  }
}

export function conflictCheck({ engine: { meta } }: Look): CheckRow {
  const open = meta.listVolsets().reduce((sum, { id }) => sum + meta.listConflicts(id).length, 0);
  if (open === 0) return right('conflicts', 'none');
  return wrong('conflicts', `${open} open`, 'see `plait conflicts list`, settle each with `plait conflicts resolve`');
}

/** As the remotes last told. */
export function divergedCheck(look: Look): CheckRow {
  const { meta } = look.engine;
  const parted = meta.listRemotes().flatMap(({ name, enabled, volset }) => {
    if (!enabled || volset === undefined || meta.findVolset(volset) === undefined) return [];
    const theirs = new Map((remoteTips({ meta }, volset, name) ?? []).map(({ branch, tip }) => [branch, tip]));
    return meta
      .listBranches(volset)
      .filter(({ id, tip }) => havePassed(look, volset, tip, theirs.get(id) ?? null))
      .map((branch) => `${branch.name} and ${name}/${branch.name}`);
  });
  if (parted.length === 0) return right('diverged', 'none');
  const more = parted.length > 3 ? ` and ${parted.length - 3} more` : '';
  return wrong('diverged', `${parted.slice(0, 3).join(', ')}${more}`, 'join them with `plait merge REMOTE/BRANCH`');
}

function havePassed({ engine: { meta } }: Look, volset: VolsetId, ours: SnapshotId | null, theirs: SnapshotId | null) {
  if (ours === null || theirs === null || ours === theirs) return false;
  const { relation } = compareTips((ids) => meta.lineage(volset, ids), ours, theirs);
  return relation === 'diverged' || relation === 'unrelated';
}
