/** Metadata and packs each hold the log whole: what one of them lost, the other gives back. Here: packs. */
import { encodeGeneration } from '../../core/generation.ts';
import type { GenerationHash, VolsetId } from '../../core/ids.ts';
import type { Generation } from '../../core/records.ts';
import type { Engine } from '../engine.ts';
import { packGenerations } from '../settle.ts';
import { stateFaults } from '../verify/states.ts';
import { generationsIn } from './metadata.ts';
import type { Repaired } from './report.ts';

const PAGE = 1000;

/** Metadata is sound, and lacks nothing that packs hold. */
export async function repairLog(engine: Engine): Promise<Repaired[]> {
  const { blob, meta } = engine;
  const repaired: Repaired[] = [];
  const torn = new Set<VolsetId | null>();
  for await (const { kind, volset } of blob.verifyIndex({ signal: engine.signal }))
    if (kind === 'log') torn.add(volset);
  const held = await heldByVolset(engine);
  for (const { id } of meta.listVolsets()) {
    const lost = await appendLost(engine, id, held.get(id) ?? new Set());
    if (lost > 0) repaired.push({ what: `${lost} generations that no pack held were written again`, volset: id });
    else if (torn.has(id)) repaired.push({ what: 'its log was damaged; nothing that it told is lost', volset: id });
  }
  await packGenerations(engine);
  const untold = (await stateFaults(engine)).some(({ kind }) => kind === 'log');
  if (untold) {
    meta.repackStates();
    await packGenerations(engine);
    repaired.push({ what: 'where branches stand, remotes and tokens were written to packs again', volset: null });
  }
  // An append mends the file.
  for (const volset of torn) if (volset !== null) await blob.appendLog(volset, []);
  return repaired;
}

async function heldByVolset({ blob }: Engine): Promise<Map<VolsetId, Set<GenerationHash>>> {
  const held = new Map<VolsetId, Set<GenerationHash>>();
  for await (const { volset, generation } of generationsIn(blob)) {
    const hashes = held.get(volset) ?? new Set();
    held.set(volset, hashes.add(generation.hash));
  }
  return held;
}

async function appendLost(engine: Engine, volset: VolsetId, held: ReadonlySet<GenerationHash>): Promise<number> {
  if (!lacksAny(engine, volset, held)) return 0;
  let lost = 0;
  for (const page of logPages(engine, volset)) {
    const lacked = page.filter(({ hash }) => !held.has(hash));
    if (lacked.length > 0) await engine.blob.appendLog(volset, lacked.map(encodeGeneration));
    lost += lacked.length;
  }
  return lost;
}

function lacksAny({ meta }: Engine, volset: VolsetId, held: ReadonlySet<GenerationHash>): boolean {
  for (let after = 0; ; ) {
    const page = meta.generationPage(volset, after, PAGE);
    if (page.some(({ hash, packed }) => packed && !held.has(hash))) return true;
    if (page.length < PAGE) return false;
    after = page[page.length - 1].position;
  }
}

function* logPages({ meta }: Engine, volset: VolsetId): Generator<Generation[]> {
  let cursor: string | undefined = meta.planDeltas(volset, {}, 0).cursor;
  while (cursor !== undefined) {
    const page: ReturnType<typeof meta.readDeltas> = meta.readDeltas(volset, cursor);
    yield page.generations;
    ({ cursor } = page);
  }
}
