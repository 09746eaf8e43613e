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
  const findings = new Map<string, Finding & { kind: 'pack' }>();
  for await (const damage of engine.blob.verifyPacks({
    ...extentOf(asked, total),
    random: chanceOf(engine.world),
    signal: engine.signal,
    onProgress: (now) => {
      phase.advance({ items: now.packs - seen.packs, bytes: now.bytes - seen.bytes });
      seen = now;
    },
  }))
    add(findings, damage);
  phase.end();
  return [...findings.values()];
}

/** One finding a pack, however many of its blocks are damaged. */
function add(findings: Map<string, Finding & { kind: 'pack' }>, { volset, pack, what, lost }: PackDamage): void {
  const known = findings.get(pack);
  if (known) {
    known.lost.push(...lost);
    known.what = `${known.what.replace(/ \(and \d+ more\)$/, '')} (and ${++counts(known).more} more)`;
    return;
  }
  findings.set(pack, {
    ...noneAffected(),
    kind: 'pack',
    volset,
    pack,
    lost: [...lost],
    what: `pack ${pack.slice(0, 12)}: ${what}`,
  });
}

const more = new WeakMap<Finding, { more: number }>();
function counts(finding: Finding): { more: number } {
  const known = more.get(finding) ?? { more: 0 };
  more.set(finding, known);
  return known;
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
