/** The immutable part of a snapshot: checked, encoded and named by the hash of its canonical bytes. */
import { canonicalBytes, parseCanonical } from './canonical.ts';
import { snapshotId } from './hash.ts';
import type { SnapshotId, VolsetId } from './ids.ts';
import { isNodeId, isSnapshotId, isVolsetId } from './ids.ts';
import { exactObject, isCount, malformed } from './malformed.ts';
import type { SnapshotBody } from './records.ts';

export const MAX_SNAPSHOT_PARENTS = 64;
/** UTF-8 bytes. */
export const MAX_CREATOR = 1024;
/** Longest encoding of a body: bound for readers. */
export const MAX_BODY_BYTES = 16 * 1024;
/** Largest time that a Date can hold. */
const MAX_TIME = 8.64e15;
/** One spelling for each number. */
const TIME = /^(0|-?[1-9]\d{0,18})$/;
const KEYS = ['type', 'volset', 'parents', 'root', 'created', 'creator', 'files', 'bytes'] as const;

/** Throws `protocol` unless `value` is a body, of `volset` if given. */
export function checkSnapshotBody(value: unknown, volset?: VolsetId): SnapshotBody {
  const body = exactObject(value, 'a snapshot', KEYS, ['dir']);
  if (body['type'] !== 'snapshot') malformed('a snapshot has another type');
  if (!isVolsetId(body['volset'])) malformed('a snapshot has no volset id');
  if (volset !== undefined && body['volset'] !== volset) malformed('a snapshot belongs to another volset');
  checkParents(body['parents']);
  if (!isNodeId(body['root'])) malformed('a snapshot has no root id');
  if (!isCount(body['created']) || body['created'] > MAX_TIME) malformed("a snapshot's time is out of range");
  const creator = body['creator'];
  if (typeof creator !== 'string' || !creator.isWellFormed() || Buffer.byteLength(creator) > MAX_CREATOR) {
    malformed("a snapshot's creator is not a text of at most 1 KiB");
  }
  if (!isCount(body['files']) || !isCount(body['bytes'])) malformed("a snapshot's totals are not counts");
  if (body['dir'] !== undefined) checkTop(body['dir']);
  return value as SnapshotBody;
}

function checkTop(value: unknown): void {
  const { mode, mtime } = exactObject(value, "a snapshot's directory", ['mode', 'mtime']);
  if (!isCount(mode) || mode > 0o777) malformed("the mode of a snapshot's directory is out of range");
  const isTime = typeof mtime === 'string' && TIME.test(mtime) && BigInt.asIntN(64, BigInt(mtime)) === BigInt(mtime);
  if (!isTime) malformed("the time of a snapshot's directory is no number of nanoseconds");
}

function checkParents(parents: unknown): void {
  if (!Array.isArray(parents) || parents.length > MAX_SNAPSHOT_PARENTS)
    malformed("a snapshot's parents are no list of at most 64");
  if (!parents.every(isSnapshotId)) malformed('a snapshot has a parent that is no snapshot id');
  if (new Set(parents).size !== parents.length) malformed('a snapshot names a parent twice');
}

export const encodeSnapshotBody = (body: SnapshotBody): Buffer => canonicalBytes(body);
export const idOfBody = (body: SnapshotBody): SnapshotId => snapshotId(encodeSnapshotBody(body));

/** Reads a body from a pack or a peer. */
export function decodeSnapshotBody(bytes: Uint8Array, volset?: VolsetId): SnapshotBody {
  if (bytes.length > MAX_BODY_BYTES) malformed('a snapshot body is too long');
  return checkSnapshotBody(parseCanonical(bytes), volset);
}
