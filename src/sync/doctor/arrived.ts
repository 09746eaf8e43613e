/**
 * Whether what was made in a working directory is at a remote. Pushes may all go well and take other things: a selection
 * of branches, another volume set.
 */
import { compareTips } from '../../core/ancestry.ts';
import { installOf, type SnapshotId, type VolsetId } from '../../core/ids.ts';
import { contains } from '../../core/intervals.ts';
import type { RemoteConfig } from '../../meta/contract.ts';
import type { Volume } from '../../volume/contract.ts';
import { remoteTips } from '../references.ts';
import { lastSealed } from '../sealed.ts';
import { pushStamp } from '../stamps.ts';
import { ago, type CheckRow, isOld, type Look, wrong } from './checks.ts';

const HINT =
  'does each remote take this branch, and this volume set? see `plait remote list`, then `plait push REMOTE`';

/** One row for each directory whose newest snapshot has been nowhere else for too long. */
export function arrivedChecks(look: Look): CheckRow[] {
  const { meta } = look.engine;
  const remotes = meta.listRemotes().filter(({ enabled, identity }) => enabled && identity !== undefined);
  if (remotes.length === 0) return [];
  return look.volumes.flatMap((volume) => {
    const { dir, volset, branch } = volume.state;
    const tip = meta.listBranches(volset).find(({ id }) => id === branch)?.tip;
    const made = tip && meta.findSnapshot(volset, tip)?.body.created;
    if (!tip || made === undefined || made === null || !isOld(look, made)) return [];
    if (remotes.some((remote) => isThere(look, remote, volume, tip))) return [];
    return [wrong(`arrived ${dir}`, `its newest snapshot, made ${ago(look, made)}, is at no remote`, HINT)];
  });
}

/** As far as is known. A branch that has parted is another finding. */
function isThere(look: Look, remote: RemoteConfig, { state }: Volume, tip: SnapshotId): boolean {
  const { meta } = look.engine;
  const { volset, branch } = state;
  const number = meta.blobNumbers(volset, [tip])[tip];
  const install = remote.identity && installOf(remote.identity);
  if (number !== undefined && install && contains(lastSealed(meta, install, volset), number)) return true;
  const told = remoteTips({ meta }, volset, remote.name) ?? [];
  // Who may not read is told of no branch.
  if (told.length === 0) return wasPushed(look, remote.name, volset);
  const theirs = told.find((one) => one.branch === branch)?.tip;
  if (!theirs) return false;
  if (meta.findSnapshot(volset, theirs) === undefined) return true;
  return compareTips((ids) => meta.lineage(volset, ids), tip, theirs).relation !== 'ahead';
}

const wasPushed = ({ stamps }: Look, remote: string, volset: VolsetId): boolean =>
  stamps.some((stamp) => stamp.what === pushStamp(remote) && stamp.volset === volset);
