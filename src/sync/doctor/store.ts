/** Whether the store itself, its disk, its clock and its working directories are as they should be. */
import { statfsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { PlaitError } from '../../core/errors.ts';
import { tryLockVolume } from '../hold-lock.ts';
import { inForce, listMarks } from '../hold-marks.ts';
import { requirePlace } from '../place.ts';
import { foundAt } from '../verify/note-damage.ts';
import { ago, type CheckRow, count, type Look, right, SKEW_MS, volsetName, wrong } from './checks.ts';

/** Enough for a snapshot of some size, and for SQLite to commit. */
const MIN_FREE = 256 * 2 ** 20;
const MIN_FILES = 1000;

export function diskCheck({ engine: { dir }, options: { minFree = MIN_FREE } }: Look): CheckRow {
  const { bavail, bsize, ffree, files } = statfsSync(dir);
  const free = bavail * bsize;
  const room = `${Math.floor(free / 2 ** 20)} MiB free`;
  const hint = `make room on the disk of ${dir}`;
  if (free < minFree) return wrong('disk', `${room}, less than ${Math.floor(minFree / 2 ** 20)} MiB`, hint);
  if (files > 0 && ffree < MIN_FILES) return wrong('disk', `room for ${ffree} more files only`, hint);
  return right('disk', room);
}

/** A clock that was set back makes what was done before lie in the future. */
export function clockCheck({ engine: { dir }, now, stamps }: Look): CheckRow {
  const written = statSync(join(dir, 'meta.db')).mtimeMs;
  const latest = Math.max(written, ...stamps.map(({ at }) => at));
  if (latest - now <= SKEW_MS) return right('clock', new Date(now).toISOString());
  return wrong(
    'clock',
    `${new Date(now).toISOString()}, but something was done at ${new Date(latest).toISOString()}`,
    'set the clock (is its time synchronised?); until then nothing can be said of ages',
  );
}

export function identityCheck({ engine: { meta } }: Look): CheckRow {
  const { install, epoch, ephemeral } = meta.self;
  if (ephemeral) return right('identity', `${install.slice(0, 12)}, ephemeral`);
  if (epoch === 1) return right('identity', install.slice(0, 12));
  return right(
    'identity',
    `${install.slice(0, 12)}, goes on under epoch ${epoch}`,
    'it was moved, copied, or put back from a backup; two copies may both be used',
  );
}

/** Blobs that cannot be read whole. */
export function damageCheck(look: Look): CheckRow {
  const { meta } = look.engine;
  const rows = meta.listVolsets().flatMap(({ id }) => {
    const damaged = meta.damagedBlobs(id).length;
    return damaged === 0 ? [] : [`${count(damaged, 'snapshot')} of ${volsetName(look, id)}`];
  });
  const found = foundAt(look.stamps);
  if (rows.length === 0 && found !== undefined)
    return wrong(
      'damage',
      `found ${ago(look, found)}`,
      '`plait verify --read-data` names it, `plait verify --repair` mends it',
    );
  if (rows.length === 0) return right('damage', 'none known');
  return wrong(
    'damage',
    `parts are lost of ${rows.join(', ')}`,
    'fetch them from a remote with `plait verify --repair`',
  );
}

/** How long ago the data was read that was not read for longest. */
export async function scrubCheck(look: Look): Promise<CheckRow> {
  const { packs, scrubAgeMs } = look.options;
  const all = await packs();
  const hint = 'read all data with `plait verify --read-data`, or a part of it each night with --budget 20G';
  if (all.length === 0) return right('scrub', 'no data yet');
  const limit = scrubAgeMs === undefined ? Number.NEGATIVE_INFINITY : look.now - scrubAgeMs;
  const never = all.filter(({ verified }) => verified === null).length;
  const oldest = Math.min(...all.map(({ verified }) => verified ?? look.now));
  const read = never === all.length ? 'none was read yet' : `read within ${ago(look, oldest).replace(' ago', '')}`;
  const detail = `${count(all.length, 'pack')}, ${never > 0 && never < all.length ? `${never} not read yet` : read}`;
  if (scrubAgeMs === undefined) return right('scrub', detail, never > 0 ? hint : null);
  // A pack that is younger than that was written, and hashed, then.
  const isLate = never > 0 || oldest < limit;
  return isLate ? wrong('scrub', detail, hint) : right('scrub', detail);
}

/** Of each working directory: is it there, and is nothing left half-way in it? */
export function directoryChecks(look: Look): CheckRow[] {
  return look.volumes.flatMap((volume) => {
    const { dir, moving } = volume.state;
    const name = `directory ${dir}`;
    try {
      requirePlace(volume);
    } catch (error) {
      if (!(error instanceof PlaitError)) throw error;
      const gone = `if it was removed for good, remove ${volume.stateDir} as well`;
      return [wrong(name, error.message, `mount its disk or put it back; ${gone}`)];
    }
    const isCut = (volume.pendingCheckout() !== undefined || Boolean(moving)) && !isInUse(volume);
    if (isCut) return [wrong(name, 'a checkout was cut off', 'finish it with `plait status` there')];
    return [right(name, ...held(look, volume))];
  });
}

function isInUse(volume: Look['volumes'][number]): boolean {
  const lock = tryLockVolume(volume);
  lock?.release();
  return lock === undefined;
}

/** A hold that nobody released has ended by itself: what made it may have died. */
function held(look: Look, volume: Look['volumes'][number]): [detail: string, hint: string | null] {
  const marks = listMarks(volume);
  const now = inForce(marks, look.now).length;
  const expired = marks.length - now;
  if (expired > 0) return [`${count(expired, 'hold')} ran out unreleased`, 'take each away with `plait release`'];
  return now > 0 ? [`held by ${count(now, 'application')}`, null] : ['in place', null];
}
