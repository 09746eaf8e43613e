/**
 * `verify --repair`, on an opened store: index, packs, log, and what packs lost. Each step is safe to be cut off and to
 * be done again; what is lost is found by looking at what is there, so that a second run finds it, too.
 */
import type { PackDamage } from '../../blob/contract.ts';
import type { Engine } from '../engine.ts';
import { packGenerations } from '../settle.ts';
import { heal, lackingIn } from './heal.ts';
import { repairLog } from './log.ts';
import type { Lost, Repaired } from './report.ts';

export interface Repair {
  repaired: Repaired[];
  lost: Lost[];
}

/** Metadata is sound by now (metadata.ts). */
export async function repairStore(engine: Engine): Promise<Repair> {
  const repaired: Repaired[] = [];
  for (const { id } of engine.meta.listVolsets()) engine.meta.cut(id);
  await packGenerations(engine);
  repaired.push(...(await repairPacks(engine)), ...(await repairLog(engine)));
  const lost: Lost[] = [];
  for (const { id: volset } of engine.meta.listVolsets()) {
    const healed = await heal(engine, volset);
    repaired.push(...healed.repaired);
    if (healed.lost.length > 0) lost.push({ volset, snapshots: healed.lost, paths: [] });
  }
  return { repaired, lost };
}

/**
 * The index first: what it does not know would not be saved from a damaged pack. Borrowed objects are not in packs of
 * their volset, so it is not made again without need; where snapshots miss them, they are copied (heal.ts).
 */
async function repairPacks(engine: Engine): Promise<Repaired[]> {
  const { blob } = engine;
  let anew = blob.indexRebuilt;
  const rebuild = async (): Promise<void> => {
    anew = true;
    await blob.rebuildIndex();
  };
  if (await isIndexWrong(engine)) await rebuild();
  let found = await damagedPacks(engine);
  // Nothing of them is known to be lost: the index may not know them.
  if (found.some(({ lost }) => lost.length === 0)) {
    await rebuild();
    found = await damagedPacks(engine);
  }
  if (anew || found.length > 0) distrustForgotten(engine);
  const repaired: Repaired[] = [];
  for (const { volset, pack, what } of found) {
    const { saved, lost } = await blob.retirePack(volset, pack);
    const sums = `${saved} objects saved, ${lost.length} lost`;
    repaired.push({ what: `pack ${pack.slice(0, 12)} (${what}) was taken out of use: ${sums}`, volset });
  }
  return anew ? [{ what: 'the chunk index was made again from packs', volset: null }, ...repaired] : repaired;
}

/** Their trees are not looked through, and an edit by somebody else brings them back. */
function distrustForgotten({ meta }: Engine): void {
  for (const { id } of meta.listVolsets()) meta.setDamaged(id, meta.goneBlobs(id), true);
}

/** Packs and index differ, or packs hold what snapshots need and the index does not know. */
async function isIndexWrong(engine: Engine): Promise<boolean> {
  const { blob, signal } = engine;
  for await (const { kind } of blob.verifyIndex({ signal })) if (kind === 'index') return true;
  for (const { id } of engine.meta.listVolsets()) {
    const lost = lackingIn(engine, id).flatMap((lacking) => lacking.lost);
    if (lost.length > 0 && (await blob.inPacks(lost)).length > 0) return true;
  }
  return false;
}

/** Found first, retired then: packs are not changed while they are read. */
async function damagedPacks({ blob, signal, reporter }: Engine): Promise<PackDamage[]> {
  const phase = reporter.phase('reading packs', { items: blob.packs().length });
  const found = new Map<string, PackDamage>();
  let seen = 0;
  const onProgress = ({ packs }: { packs: number }): void => {
    phase.advance({ items: packs - seen });
    seen = packs;
  };
  for await (const damage of blob.verifyPacks({ readData: true, signal, onProgress })) {
    const key = `${damage.volset} ${damage.pack}`;
    const known = found.get(key);
    if (known) known.lost.push(...damage.lost);
    else found.set(key, { ...damage, lost: [...damage.lost] });
  }
  phase.end();
  return [...found.values()];
}
