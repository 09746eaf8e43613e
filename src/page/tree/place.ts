/** A snapshot, or a path in it: as addresses of this page say it, and as the hub is asked for it. */

import type { EntryKind } from '../../core/entry.ts';
import { PlaitError } from '../../core/errors.ts';
import { isRandomId, isSnapshotId } from '../../core/ids.ts';
import type { ViewPath } from '../../wire/views.ts';
import { href, type Place } from '../router.ts';
import { decodePath, encodePath } from '../text.ts';

export interface SnapshotPlace {
  volset: string;
  snapshot: string;
}

export const ROOT: ViewPath = { path: '' };

export const volsetOf = (place: Place): string => checked(place[1], isRandomId);

/** Throws for what is no address of anything. */
export function checked(part: string | undefined, is: (part: unknown) => boolean): string {
  if (is(part)) return part as string;
  throw new PlaitError('not-found', 'this address is not complete, or not right', {
    hint: 'take the way from Volume sets',
  });
}

export const snapshotOf = (place: Place): SnapshotPlace => ({
  volset: volsetOf(place),
  snapshot: checked(place[3], isSnapshotId),
});

export function pathOf(encoded: string | undefined): ViewPath {
  try {
    return decodePath(encoded ?? '');
  } catch {
    return decodePath(checked(undefined, () => false));
  }
}

export const apiOf = ({ volset, snapshot }: SnapshotPlace, what = ''): string =>
  `/v1/volsets/${volset}/snapshots/${snapshot}${what}`;

export function hrefOf({ volset, snapshot }: SnapshotPlace, path: ViewPath = ROOT): string {
  const encoded = encodePath(path);
  return encoded === '' ? href('v', volset, 's', snapshot) : href('v', volset, 's', snapshot, 'files', encoded);
}

/** `from` null: everything of `to` as added. */
export const hrefOfDiff = (volset: string, from: string | null, to: string, path?: ViewPath): string => {
  const place = ['v', volset, 'diff', from ?? '-', to];
  return path ? href(...place, 'text', encodePath(path)) : href(...place);
};

export const KINDS: Record<EntryKind, string> = { file: 'file', dir: 'folder', symlink: 'symbolic link' };
