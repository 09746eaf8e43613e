/** `plait verify`: what the store claims, checked against what lies there. Finds all that it can, repairs nothing. */
import type { ObjectRef } from '../blob/contract.ts';
import { PlaitError } from '../core/errors.ts';
import type { SnapshotId, VolsetId } from '../core/ids.ts';
import { type Engine, type Outcome, outcome } from './engine.ts';
import { blame } from './verify/blame.ts';
import { type Coverage, coverageOf } from './verify/coverage.ts';
import { type DrillResult, restoreDrill } from './verify/drill.ts';
import { fileFaults } from './verify/files.ts';
import { type Damage, damageOf, type Finding, noneAffected } from './verify/findings.ts';
import { logFaults } from './verify/log.ts';
import { noteDamage } from './verify/note-damage.ts';
import { packFaults, type ReadExtent, readsData } from './verify/packs.ts';
import { stateFaults } from './verify/states.ts';
import { type Checked, treeFaults } from './verify/trees.ts';

export type { Damage, Finding } from './verify/findings.ts';

export interface VerifyResult {
  ok: boolean;
  checked: Checked;
  damage: Damage[];
  /** What is no damage and worth knowing: something that mended itself, or that nobody needs. */
  notes: string[];
  repaired: number;
  lost: number;
  coverage: Coverage;
  drill?: DrillResult;
}

export interface VerifyOptions extends ReadExtent {
  drill?: { files: number; seed: string };
  /** What was found before the store could be opened; its metadata is then a stand-in (verify/stand-in.ts). */
  found?: Finding[];
}

export interface Inspection {
  findings: Finding[];
  notes: string[];
  checked: Checked;
  drill?: DrillResult;
}

export async function verify(engine: Engine, options: VerifyOptions): Promise<Outcome<VerifyResult>> {
  const { findings, notes, checked, drill } = await inspect(engine, options).finally(() => noteScrub(engine, options));
  const damage = findings.map(damageOf);
  const ok = damage.length === 0;
  const coverage = coverageOf(engine.blob.packs());
  if (!isStandIn(options)) {
    const all = options.readData && options.sample === undefined && options.budget === undefined;
    noteDamage(engine, { found: damage.length, sure: all });
  }
  if (ok) engine.meta.putStamp({ what: 'verify', volset: null, at: engine.world.now(), detail: null });
  return outcome({ ok, checked, damage, notes, repaired: 0, lost: 0, coverage, ...(drill && { drill }) }, !ok && 14);
}

/** All that is wrong, as data. Changes nothing but the notes of when each pack was read. */
export async function inspect(engine: Engine, options: VerifyOptions): Promise<Inspection> {
  const checked: Checked = { volsets: 0, snapshots: 0, objects: 0, packs: engine.blob.packs().length };
  const findings: Finding[] = [...(options.found ?? [])];
  const notes: string[] = [];
  /** Metadata that cannot be read does not keep the rest from being looked at. */
  const part = async (work: () => Promise<Finding[]> | Finding[]): Promise<void> => {
    try {
      findings.push(...(await work()));
    } catch (error) {
      if (!(error instanceof PlaitError) || error.code !== 'integrity') throw error;
      if (!findings.some(({ what }) => what.includes(error.message))) findings.push(metaFinding(error.message));
    }
  };
  await part(() => {
    const files = fileFaults(engine);
    notes.push(...indexNotes(engine), ...files.notes);
    return files.findings;
  });
  await part(() => (isStandIn(options) ? [] : engine.meta.verify().map(metaFinding)));
  await part(() => indexFaults(engine));
  await part(() => logFaults(engine));
  await part(() => (isStandIn(options) ? [] : stateFaults(engine)));
  const packs = await packFaults(engine, options);
  findings.push(...packs);
  for (const { id: volset } of volsetsOf(engine)) {
    checked.volsets++;
    await part(() => snapshotFaults(engine, volset, packs, checked));
  }
  if (!options.drill) return { findings, notes, checked };
  const { drill, findings: failed } = await restoreDrill(engine, options.drill.files, options.drill.seed);
  return { findings: [...findings, ...failed], notes, checked, drill };
}

const isStandIn = ({ found }: VerifyOptions): boolean =>
  found?.some((one) => one.kind === 'meta' && one.unusable) === true;

const indexNotes = ({ blob }: Engine): string[] =>
  blob.indexRebuilt ? ['index.db was missing, damaged or of an older version: it was made again from the packs'] : [];

async function indexFaults({ blob, signal }: Engine): Promise<Finding[]> {
  const findings: Finding[] = [];
  for await (const { kind, volset, what } of blob.verifyIndex({ signal })) {
    if (kind === 'log') findings.push({ ...noneAffected(), kind, volset: volset as VolsetId, what });
    else findings.push({ ...noneAffected(), kind, volset, lost: [], what });
  }
  return findings;
}

async function snapshotFaults(
  engine: Engine,
  volset: VolsetId,
  packs: Finding[],
  checked: Checked,
): Promise<Finding[]> {
  const { findings, byPack } = await treeFaults(engine, volset, checked);
  for (const [pack, snapshots] of byPack) hurt([...packs, ...findings], findings, { volset, pack, snapshots });
  findings.push(...borrowedFaults(engine, volset, packs));
  blame(engine, volset, [...packs.filter((one) => one.volset === volset), ...findings]);
  return findings;
}

/** None where metadata cannot even tell that; it is told as damage elsewhere. */
function volsetsOf({ meta }: Engine): { id: VolsetId }[] {
  try {
    return meta.listVolsets();
  } catch (error) {
    if (error instanceof PlaitError && error.code === 'integrity') return [];
    throw error;
  }
}

const metaFinding = (what: string): Finding => ({
  ...noneAffected(),
  kind: 'meta',
  volset: null,
  unusable: false,
  what: `meta.db: ${what}`,
});

/** A tree that cannot be read for a pack belongs to that pack's damage, or is the first that shows it. */
function hurt(
  all: Finding[],
  findings: Finding[],
  { volset, pack, snapshots }: { volset: VolsetId; pack: string; snapshots: SnapshotId[] },
): void {
  const known = all.find((one) => one.kind === 'pack' && one.pack === pack && one.volset === volset);
  if (known) known.snapshots = [...new Set([...known.snapshots, ...snapshots])];
  else {
    const what = `trees cannot be read: pack ${pack.slice(0, 12)} is damaged`;
    findings.push({ ...noneAffected(), kind: 'tree', volset, what, snapshots });
  }
}

/** What of another volset's damaged packs this one has borrowed, and cannot read either. */
function borrowedFaults(engine: Engine, volset: VolsetId, packs: Finding[]): Finding[] {
  const reader = engine.blob.reader(volset);
  const isLost = ({ kind, id }: ObjectRef): boolean => {
    if (reader.has(kind, id)[0] === 0) return false;
    try {
      reader.readObject(kind, id);
      return false;
    } catch (error) {
      if (error instanceof PlaitError) return true;
      throw error;
    }
  };
  const others = packs.filter((one) => one.kind === 'pack' && one.volset !== volset);
  const lost = others.flatMap((one) => ('lost' in one ? one.lost.filter(isLost) : []));
  if (lost.length === 0) return [];
  const what = `${lost.length} objects that another volume set holds as well lie in damaged packs`;
  return [{ ...noneAffected(), kind: 'missing', volset, lost, what }];
}

/** Also where the run was ended on its way: what it read is noted pack by pack. Never into metadata that is damaged. */
function noteScrub(engine: Engine, options: VerifyOptions): void {
  if (!readsData(options) || isStandIn(options)) return;
  const detail = JSON.stringify(coverageOf(engine.blob.packs()));
  try {
    engine.meta.putStamp({ what: 'scrub', volset: null, at: engine.world.now(), detail });
  } catch (error) {
    // Told by the checks of metadata.
    if (!(error instanceof PlaitError) || error.code !== 'integrity') throw error;
  }
}
