/** `log.open`, block by block. A torn end is what a crash leaves and is none; anything before a sound block is damage. */
import { fstatSync } from 'node:fs';
import { PlaitError } from '../core/errors.ts';
import type { VolsetId } from '../core/ids.ts';
import type { IndexDamage } from './contract.ts';
import { logBlocks, logPath } from './log-file.ts';
import { checkHead, withFile } from './pack.ts';
import { PACK_HEADER } from './pack-directory.ts';

export function* verifyLog(packsDir: string, volset: VolsetId): Generator<IndexDamage> {
  try {
    const look = () => withFile(logPath(packsDir, volset), (fd) => faultOf(fd, volset));
    // Somebody may be appending: what is damaged stays so.
    const what = look() === undefined ? undefined : look();
    if (what !== undefined) yield { kind: 'log', volset, what: `log.open: ${what}` };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return;
    if (!(error instanceof PlaitError) && code === undefined) throw error;
    yield { kind: 'log', volset, what: `log.open: ${(error as Error).message}` };
  }
}

function faultOf(fd: number, volset: VolsetId): string | undefined {
  // A crash between creation and the first sync leaves less than a header.
  if (fstatSync(fd).size < PACK_HEADER) return undefined;
  checkHead(fd, volset);
  let end = PACK_HEADER;
  for (const block of logBlocks(fd, volset)) {
    if (block.offset !== end) return `the ${block.offset - end} bytes at ${end} are damaged`;
    end += block.totalLength;
  }
  return undefined;
}
