/** Guards look at what a session would do here before any of it is applied; `meta.apply` asks them. */
import { PlaitError } from '../core/errors.ts';
import { showText } from '../core/paths.ts';
import type { RemoteConfig } from '../meta/contract.ts';

/** A remote that deletes most branches at once is more likely damaged or mistaken than meant: says which it is. */
export function guardWithName<T>(
  { remote, name }: { remote: RemoteConfig; name: string | null },
  maxDelete: number,
  apply: () => T,
): T {
  try {
    return apply();
  } catch (error) {
    if (!(error instanceof PlaitError) || error.code !== 'guard') throw error;
    const { deleted, total, volset, what: objects } = error.data ?? {};
    const what = volset
      ? `volume set ${showText(name ?? '')} was deleted at ${remote.name}, with all its branches (${deleted} of ${total} here)`
      : objects === 'snapshots'
        ? `${remote.name} would make ${deleted} of ${total} snapshots here forgotten`
        : `${remote.name} would delete ${deleted} of ${total} branches here`;
    throw new PlaitError('guard', `${what}; nothing was changed`, {
      hint: `if ${volset ? 'it shall go here, too,' : 'that is right,'} say so with --max-delete 100%; ${objects === 'snapshots' ? KEEP_SNAPSHOT : KEEP}`,
      data: { deleted, total, maxDelete, ...(volset === true && { volset }) },
      cause: error,
    });
  }
}

/**
 * Something was dropped, and what follows it has not come. A large push of a compacted log is taken in by parts; to hide
 * an edit a remote would do the same. Nothing of it is taken, and it is asked for again until all is there.
 */
export function wholeOrBehind<T>({ remote }: { remote: RemoteConfig }, apply: () => T): T {
  try {
    return apply();
  } catch (cause) {
    if (!(cause instanceof PlaitError) || cause.data?.reason !== 'unfollowed-past') throw cause;
    throw new PlaitError(
      'behind',
      `${remote.name} does not hold what follows some of its records; nothing was changed`,
      {
        hint: 'a push to it is under way, or was cut off: try again once that is finished',
        data: { ...cause.data },
        cause,
      },
    );
  }
}

const KEEP_SNAPSHOT = 'a snapshot is kept if it gets another name or description (`plait update`) before the next sync';
/** An edit of the volume set itself would keep that alone: its branches were deleted one by one. */
const KEEP = 'a branch is kept if it gets a snapshot or another name (`plait branch rename`) before the next sync';
