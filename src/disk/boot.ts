/** What the running system says of itself: which start of it this is, and when it writes what it was given to disk. */
import { readFileSync } from 'node:fs';

const KERNEL = '/proc/sys';
/** The longest that a file may wait for its writing to begin (centiseconds); some laptops set minutes. */
const SOON = 6000;

function kernelText(name: string): string | null {
  try {
    return readFileSync(`${KERNEL}/${name}`, 'latin1').trim();
  } catch {
    return null;
  }
}

/** Another one after each start of the system. null where there is none. */
export const bootId = (): string | null => kernelText('kernel/random/boot_id');

/** Seconds of running since then; the clock may be set meanwhile. */
export const secondsUp = (): number => Number(process.hrtime.bigint() / 1_000_000_000n);

/** The kernel writes files to disk by itself, soon after they were changed. */
export function writesBackSoon(): boolean {
  const [every, after] = ['vm/dirty_writeback_centisecs', 'vm/dirty_expire_centisecs'].map((name) =>
    Number(kernelText(name) ?? Number.NaN),
  );
  return every > 0 && every <= SOON && after <= SOON;
}
