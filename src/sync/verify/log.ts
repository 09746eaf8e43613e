/**
 * The log in metadata against the generations in packs, both ways: one that lies in packs and not here means that
 * meta.db is older than its log; one that is said to be packed and lies nowhere could not be rebuilt.
 */
import { PlaitError } from '../../core/errors.ts';
import { decodeGeneration } from '../../core/generation.ts';
import { KIND } from '../../core/hash.ts';
import type { GenerationHash, VolsetId } from '../../core/ids.ts';
import type { MetaStore, PackedGeneration } from '../../meta/contract.ts';
import type { Engine } from '../engine.ts';
import { type Finding, noneAffected } from './findings.ts';

const BATCH = 1000;

type Told = Omit<PackedGeneration, 'volset'>;

interface Found {
  lying: Set<GenerationHash>;
  unknown: number;
  damaged: number;
  batch: Told[];
}

/** Of all volsets, also of those that only packs know. */
export async function logFaults(engine: Engine): Promise<Finding[]> {
  const found = await scan(engine);
  let absent = absentOf(engine, found);
  // One that was packed since is found now.
  if (absent.size > 0) absent = absentOf(engine, await scan(engine), absent);
  const findings: Finding[] = [];
  for (const [volset, { unknown, damaged }] of found) {
    if (damaged > 0) findings.push(logFinding(volset, `${damaged} generations in packs are not what they should be`));
    if (unknown === 0) continue;
    const what = `meta.db lacks ${unknown} generations that lie in packs: it is older than its log, or lost a part`;
    findings.push({ ...noneAffected(), kind: 'older', volset, what });
  }
  for (const [volset, hashes] of absent)
    findings.push(logFinding(volset, `${hashes.length} generations that were packed lie in no pack`));
  return findings;
}

const logFinding = (volset: VolsetId, what: string): Finding => ({ ...noneAffected(), kind: 'log', volset, what });

async function scan({ blob, meta, signal }: Engine): Promise<Map<VolsetId, Found>> {
  const all = new Map<VolsetId, Found>();
  const flush = (volset: VolsetId, found: Found): void => {
    found.unknown += meta.unknownGenerations(volset, found.batch).length;
    found.batch = [];
  };
  for await (const { volset, bytes } of blob.scanObjects(KIND.generation)) {
    signal.throwIfAborted();
    const found = all.get(volset) ?? { lying: new Set(), unknown: 0, damaged: 0, batch: [] };
    all.set(volset, found);
    const told = headerOf(volset, bytes);
    if (told === undefined) found.damaged++;
    else if (!found.lying.has(told.hash)) {
      found.lying.add(told.hash);
      if (found.batch.push(told) === BATCH) flush(volset, found);
    }
  }
  for (const [volset, found] of all) flush(volset, found);
  return all;
}

function headerOf(volset: VolsetId, bytes: Uint8Array): Told | undefined {
  try {
    const { store, generation, hash } = decodeGeneration(volset, bytes);
    return { store, generation, hash };
  } catch (error) {
    if (error instanceof PlaitError) return undefined;
    throw error;
  }
}

type Absent = Map<VolsetId, GenerationHash[]>;

/** Said to be packed and lying nowhere; of `among`, where given. */
function absentOf({ meta }: Engine, found: ReadonlyMap<VolsetId, Found>, among?: Absent): Absent {
  const absent: Absent = new Map();
  for (const { id: volset } of meta.listVolsets()) {
    const lying = found.get(volset)?.lying;
    const hashes = among ? (among.get(volset) ?? []) : packedOf(meta, volset);
    const missed = [...hashes].filter((hash) => !lying?.has(hash));
    if (missed.length > 0) absent.set(volset, missed);
  }
  return absent;
}

function* packedOf(meta: MetaStore, volset: VolsetId): Generator<GenerationHash> {
  for (let after = 0; ; ) {
    const page = meta.generationPage(volset, after, BATCH);
    for (const { hash, packed } of page) if (packed) yield hash;
    if (page.length < BATCH) return;
    after = page[page.length - 1].position;
  }
}
