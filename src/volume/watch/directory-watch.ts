/** One directory of the system, watched: names in it that were changed, made or removed. A hint, never a proof. */
import { watch } from 'node:fs';
import { rawPath } from '../../disk/beneath.ts';

export interface DirectoryWatch {
  close(): void;
}

/**
 * `at` is latin1 text. `onEvent` gets the name as latin1 text, undefined where the system does not say; `appeared`
 * stands for made, renamed or removed. Throws the system's error. Links on the way are followed.
 */
export type WatchDirectory = (
  at: string,
  onEvent: (name: string | undefined, appeared: boolean) => void,
  onError: (error: unknown) => void,
) => DirectoryWatch;

/** Never the recursive mode: on Linux that makes a watch for each file. */
export const watchDirectory: WatchDirectory = (at, onEvent, onError) => {
  const watcher = watch(rawPath(at), { persistent: false, encoding: 'latin1' }, (type, name) =>
    onEvent(name ?? undefined, type === 'rename'),
  );
  watcher.on('error', onError);
  return watcher;
};
