/**
 * `verify --repair`, on an opened store: index, packs, log, and what packs lost. Each step is safe to be cut off and to
 * be done again; what is lost is found by looking at what is there, so that a second run finds it, too.
 */
import type { PackDamage } from '../../blob/contract.ts';
import type { Engine } from '../engine.ts';
import { packGenerations } from '../settle.ts';
import { heal } from './heal.ts';
import { repairLog } from './log.ts';
import type { Lost, Repaired } from './report.ts';

export interface Repair {
  repaired: Repaired[];
  lost: Lost[];
}

/** Metadata is sound by now (metadata.ts). */
export async function repairStore(engine: Engine): Promise<Repair> {
  const repaired: Repaired[] = [];
  await packGenerations(engine);
  repaired.push(...(await repairIndex(engine)), ...(await retirePacks(engine)), ...(await repairLog(engine)));
  const lost: Lost[] = [];
  for (const { id: volset } of engine.meta.listVolsets()) {
    const healed = await heal(engine, volset);
    repaired.push(...healed.repaired);
    if (healed.lost.length > 0) lost.push({ volset, snapshots: healed.lost, paths: [] });
  }
  return { repaired, lost };
}

async function repairIndex({ blob, signal }: Engine): Promise<Repaired[]> {
  let damaged = false;
  for await (const { kind } of blob.verifyIndex({ signal })) damaged ||= kind === 'index';
  if (damaged) await blob.rebuildIndex();
  return damaged || blob.indexRebuilt ? [{ what: 'the chunk index was made again from packs', volset: null }] : [];
}

/** Found first, retired then: packs are not changed while they are read. */
async function retirePacks(engine: Engine): Promise<Repaired[]> {
  const { blob, signal } = engine;
  const phase = engine.reporter.phase('reading packs', { items: blob.packs().length });
  const found = new Map<string, PackDamage>();
  let seen = 0;
  const onProgress = ({ packs }: { packs: number }): void => {
    phase.advance({ items: packs - seen });
    seen = packs;
  };
  for await (const damage of blob.verifyPacks({ readData: true, signal, onProgress }))
    found.set(`${damage.volset} ${damage.pack}`, damage);
  phase.end();
  const repaired: Repaired[] = [];
  for (const { volset, pack, what } of found.values()) {
    const { saved, lost } = await blob.retirePack(volset, pack);
    const sums = `${saved} objects saved, ${lost.length} lost`;
    repaired.push({ what: `pack ${pack.slice(0, 12)} (${what}) was taken out of use: ${sums}`, volset });
  }
  return repaired;
}
