/**
 * Makes files and directories that were written below a root durable, each by its name, some at once on other threads:
 * about 0.2 ms a file where the disk is quick. What is gone or closed to us is passed over.
 */
import { closeSync, constants, openSync } from 'node:fs';
import type { PathKey } from '../core/paths.ts';
import type { Beneath } from './beneath.ts';
import { syncFileAsync } from './files.ts';

/** So many files are synced one by one; more take longer than anybody wants to wait: 1 to 10 ms each on slower disks. */
export const SYNCED_AT_MOST = 256;

const FLAGS = constants.O_NOFOLLOW ?? 0;
/** As many as libuv's threads have to do for a while. */
const AT_ONCE = 32;
/** Gone since, another kind by now, or of a mode that keeps its owner out; and folders that cannot be synced. */
const PASSED_OVER = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO', 'EACCES', 'EPERM', 'EINVAL', 'ENOTSUP']);

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? '';

/** Files and directories alike. */
export async function syncBelow(beneath: Beneath, paths: Iterable<PathKey>): Promise<void> {
  let batch: number[] = [];
  for (const path of paths) {
    const fd = openAny(beneath, path);
    if (fd !== undefined) batch.push(fd);
    if (batch.length < AT_ONCE) continue;
    const full = batch;
    batch = [];
    await syncAll(full);
  }
  await syncAll(batch);
}

function openAny(beneath: Beneath, path: PathKey): number | undefined {
  for (const access of [constants.O_RDONLY, constants.O_WRONLY]) {
    try {
      const at = path === '' ? beneath.dirPath(path) : beneath.path(path);
      return openSync(at, access | (constants.O_NONBLOCK ?? 0) | (path === '' ? 0 : FLAGS));
    } catch (error) {
      if (codeOf(error) === 'EACCES' && access === constants.O_RDONLY) continue;
      if (PASSED_OVER.has(codeOf(error)) || codeOf(error) === 'EISDIR') return undefined;
      throw error;
    }
  }
  return undefined;
}

async function syncAll(fds: number[]): Promise<void> {
  const results = await Promise.allSettled(fds.map((fd) => syncFileAsync(fd)));
  for (const fd of fds) closeSync(fd);
  for (const result of results) {
    if (result.status === 'rejected' && !PASSED_OVER.has(codeOf(result.reason))) throw result.reason;
  }
}
