/**
 * The mtime of a directory is kept, but is no reason for anything: files that came and went again move it. It travels
 * with the next snapshot that has another reason, and is never shown as a change.
 */
import type { Change } from './entry.ts';

export function isOnlyDirTime({ before, after }: Pick<Change, 'before' | 'after'>): boolean {
  if (before?.kind !== 'dir' || after?.kind !== 'dir') return false;
  const extra = (bytes: Uint8Array | undefined) => (bytes === undefined ? '' : Buffer.from(bytes).toString('latin1'));
  return (
    before.mode === after.mode &&
    before.uid === after.uid &&
    before.gid === after.gid &&
    extra(before.extra) === extra(after.extra)
  );
}
