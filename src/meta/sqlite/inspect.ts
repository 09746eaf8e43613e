/** What a round would mean, asked before it is applied. Reads only. */
import type { Chains, Cover } from '../../core/chain.ts';
import { partedStores, type StagedGenerations, stageGenerations } from '../../core/generation.ts';
import { type ChainId, storeOf, type VolsetId } from '../../core/ids.ts';
import type { Vector } from '../../core/records.ts';
import { checkVector } from '../../core/vector.ts';
import type { Inspection, Round } from '../contract.ts';
import { readChains } from './chains.ts';
import { type Engine, findVolsetNumber } from './engine.ts';

/** Its records are here, be it deleted. A row alone says less: data may come before records. */
export const knowsVolset = (engine: Engine, volset: VolsetId): boolean => {
  const n = findVolsetNumber(engine, volset);
  return (
    n !== undefined &&
    engine.db.get("SELECT 1 FROM heads WHERE volset = ? AND object = 'volset' LIMIT 1", n) !== undefined
  );
};

/** Throws as `apply` would where generations are damaged, have gaps, or are fewer than the vector says. */
export function inspect(
  engine: Engine,
  volset: VolsetId,
  { generations, vector }: Pick<Round, 'generations' | 'vector'>,
  told: Vector = {},
): Inspection {
  return engine.db.read(() => {
    const chains = readChains(engine, findVolsetNumber(engine, volset) ?? 0);
    const { staged } = stageGenerations(volset, chains, generations);
    if (vector === undefined) return { forked: [], lost: 0 };
    const forked = partedStores(staged, checkVector(vector));
    // As long as it is open since when histories part, it is open whether anything was lost.
    const sure = entriesOf(told).filter(([chain]) => !forked.includes(storeOf(chain)));
    const held = chains.cover(Object.fromEntries(sure));
    return { forked, lost: chains.countBeyond(held, shownOf(chains, staged, vector)) };
  });
}

/** What of ours the peer shows that it holds. */
function shownOf(chains: Chains, staged: StagedGenerations, claimed: Vector): Cover {
  const cover: Cover = new Map();
  for (const [chain, { generation, hash }] of entriesOf(claimed)) {
    const store = storeOf(chain);
    const base = staged.base(store, generation, hash);
    const ours = base && chains.find(store, base.generation, base.hash);
    if (base && ours) chains.addTo(cover, ours, base.generation);
  }
  return cover;
}

const entriesOf = (vector: Vector): [ChainId, Vector[ChainId]][] =>
  Object.entries(vector) as [ChainId, Vector[ChainId]][];
