/** Guards look at what a session would do here before any of it is applied; `meta.apply` asks them. */
import { PlaitError } from '../core/errors.ts';
import type { RemoteConfig } from '../meta/contract.ts';

/** A remote that deletes most branches at once is more likely damaged or mistaken than meant: says which it is. */
export function guardWithName<T>(remote: RemoteConfig, maxDelete: number, apply: () => T): T {
  try {
    return apply();
  } catch (error) {
    if (!(error instanceof PlaitError) || error.code !== 'guard') throw error;
    const { deleted, total } = error.data ?? {};
    throw new PlaitError(
      'guard',
      `${remote.name} would delete ${deleted} of ${total} branches here; nothing was changed`,
      {
        hint: 'if that is right, say so with --max-delete 100%',
        data: { deleted, total, maxDelete },
        cause: error,
      },
    );
  }
}
