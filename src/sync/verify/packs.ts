/** Packs read back, as far as asked for. */
import type { PackDamage, VerifyOptions } from '../../blob/contract.ts';
import { chanceOf, type Engine } from '../engine.ts';
import { type Finding, noneAffected } from './findings.ts';

export interface ReadExtent {
  readData: boolean;
  /** Of the packs: a share (0..1), or about so many bytes. */
  sample?: { fraction: number } | { bytes: number };
  /** Bytes at most; those packs first that were not read for longest. */
  budget?: number;
}

export const readsData = ({ readData, sample, budget }: ReadExtent): boolean =>
  readData || sample !== undefined || budget !== undefined;

export async function packFaults(engine: Engine, asked: ReadExtent): Promise<Finding[]> {
  const packs = engine.blob.packs();
  const total = packs.reduce((sum, pack) => sum + pack.bytes, 0);
  const bytes = asked.budget === undefined ? total : Math.min(asked.budget, total);
  const phase = engine.reporter.phase('reading packs', { items: packs.length, bytes });
  let seen = { packs: 0, bytes: 0 };
  const damaged = new Map<string, Damaged>();
  for await (const damage of engine.blob.verifyPacks({
    ...extentOf(asked, total),
    random: chanceOf(engine.world),
    signal: engine.signal,
    onProgress: (now) => {
      phase.advance({ items: now.packs - seen.packs, bytes: now.bytes - seen.bytes });
      seen = now;
    },
  }))
    add(damaged, damage);
  phase.end();
  return [...damaged.values()].map(({ finding }) => finding);
}

interface Damaged {
  finding: Finding & { kind: 'pack' };
  /** Of the first block that is damaged, and how many more are. */
  what: string;
  more: number;
}

/** One finding a pack, however many of its blocks are damaged. */
function add(packs: Map<string, Damaged>, { volset, pack, what, lost }: PackDamage): void {
  const known = packs.get(pack);
  if (!known) {
    const first = `pack ${pack.slice(0, 12)}: ${what}`;
    const finding = { ...noneAffected(), kind: 'pack' as const, volset, pack, lost: [...lost], what: first };
    packs.set(pack, { finding, what: first, more: 0 });
    return;
  }
  known.finding.lost.push(...lost);
  known.finding.what = `${known.what} (and ${++known.more} more)`;
}

/** A sample is read whole; drawn by packs, so that each byte read is compared. */
function extentOf(asked: ReadExtent, total: number): Pick<VerifyOptions, 'readData' | 'sample' | 'budget'> {
  const { sample, budget } = asked;
  const readData = readsData(asked);
  if (budget !== undefined) return { readData, budget };
  if (sample === undefined) return { readData };
  const share = 'fraction' in sample ? sample.fraction : total === 0 ? 1 : sample.bytes / total;
  return { readData, sample: Math.min(1, Math.max(share, Number.EPSILON)) };
}
