/**
 * Chains of a volset's generations as tables keep them: `generations.store` and `vector.store` are numbers of chains,
 * `forks` says where each begins that does not begin with generation 1. What they mean is decided in core/chain.ts.
 */
import { type Attachment, Chains, type Cover, type Segment } from '../../core/chain.ts';
import type { ChainId, GenerationHash, StoreId, VolsetId, WriteId } from '../../core/ids.ts';
import type { ChainPoint } from '../../core/peer.ts';
import type { GenerationHeader } from '../../core/records.ts';
import { type Engine, ensureStore, findVolsetNumber } from './engine.ts';
import { insertHeader } from './log.ts';

export function readChains(engine: Engine, n: number): Chains {
  const segments = engine.db.all<Segment>(
    `SELECT s.id AS chain, p.id AS parent, coalesce(f.generation, 0) AS after, v.generation, v.hash
     FROM vector v JOIN stores s ON s.n = v.store
     LEFT JOIN forks f ON f.volset = v.volset AND f.chain = v.store LEFT JOIN stores p ON p.n = f.parent
     WHERE v.volset = ? ORDER BY s.id`,
    n,
  );
  return new Chains(segments, (chain, generation) => hashAt(engine, n, chain, generation));
}

const hashAt = ({ db }: Engine, n: number, chain: ChainId, generation: number): GenerationHash | undefined =>
  db.get<{ hash: GenerationHash }>(
    `SELECT hash FROM generations
     WHERE volset = ? AND store = (SELECT n FROM stores WHERE id = ?) AND generation = ?`,
    n,
    chain,
    generation,
  )?.hash;

/** Puts a generation that is not held where it belongs. Returns its position. Inside a write transaction. */
export function attach(engine: Engine, n: number, chains: Chains, header: GenerationHeader, revision: number): number {
  const { chain, fork, rest }: Attachment = chains.attach(header);
  if (rest !== undefined && fork !== undefined) split(engine, n, fork, rest, header.previous);
  if (fork !== undefined) insertFork(engine, n, chain, fork);
  return insertHeader(engine, n, header, { chain, revision });
}

type Fork = NonNullable<Attachment['fork']>;

function insertFork(engine: Engine, n: number, chain: ChainId, { parent, after }: Fork): void {
  engine.db.run(
    'INSERT INTO forks(volset, chain, parent, generation) VALUES (?, ?, ?, ?)',
    n,
    ensureStore(engine, chain),
    ensureStore(engine, parent),
    after,
  );
}

/** What of `parent` stands past the fork becomes a chain of its own; positions stay. */
function split(engine: Engine, n: number, fork: Fork, restId: ChainId, hash: GenerationHash): void {
  const { db } = engine;
  const [parent, rest] = [ensureStore(engine, fork.parent), ensureStore(engine, restId)];
  const { after } = fork;
  db.run('UPDATE forks SET parent = ? WHERE volset = ? AND parent = ?', rest, n, parent);
  insertFork(engine, n, restId, fork);
  for (const table of ['generations', 'vector', 'compacted'])
    db.run(`UPDATE ${table} SET store = ? WHERE volset = ? AND store = ? AND generation > ?`, rest, n, parent, after);
  if (after === 0) return;
  db.run('INSERT INTO vector(volset, store, generation, hash) VALUES (?, ?, ?, ?)', n, parent, after, hash);
  // Compaction that went past the fork covers all that stands in front of it.
  db.run(
    `INSERT INTO compacted(volset, store, generation) SELECT volset, ?, ? FROM compacted WHERE volset = ? AND store = ?`,
    parent,
    after,
    n,
    rest,
  );
}

/** Is a write in a generation that `cover` reaches? */
export function heldWrites({ db }: Engine, n: number, cover: Cover): (id: WriteId) => boolean {
  return (id) =>
    db
      .all<{ chain: ChainId; generation: number }>(
        `SELECT s.id AS chain, g.generation FROM records r JOIN generations g ON g.position = r.position
         JOIN stores s ON s.n = g.store WHERE r.volset = ? AND r.id = ?`,
        n,
        id,
      )
      .some(({ chain, generation }) => generation <= (cover.get(chain) ?? 0));
}

/** A part of one chain, by the chain's number. */
export interface Stretch {
  chain: number;
  from: number;
  to: number;
}

/**
 * The line of generations from number `from` to the one that is named, as it lies in chains now: they may have split
 * since somebody asked. Undefined: that generation is not held.
 */
export function stretches(
  { db }: Engine,
  n: number,
  { store, from, to, hash }: { store: StoreId; from: number; to: number; hash: GenerationHash },
): Stretch[] | undefined {
  const found: Stretch[] = [];
  let chain = db.get<{ n: number }>(
    `SELECT s.n FROM stores s CROSS JOIN generations g ON g.volset = ? AND g.store = s.n AND g.generation = ?
     WHERE s.base = ? AND g.hash = ?`,
    n,
    to,
    store,
    hash,
  )?.n;
  if (chain === undefined) return undefined;
  for (let last = to; chain !== undefined && last >= from; ) {
    const fork: { parent: number; after: number } | undefined = db.get(
      'SELECT parent, generation AS after FROM forks WHERE volset = ? AND chain = ?',
      n,
      chain,
    );
    found.push({ chain, from: Math.max(from, (fork?.after ?? 0) + 1), to: last });
    last = fork?.after ?? 0;
    chain = fork?.parent;
  }
  return found;
}

export function chainPoints(engine: Engine, volset: VolsetId, stores: StoreId[]): Record<StoreId, ChainPoint[]> {
  return engine.db.read(() => {
    const n = findVolsetNumber(engine, volset);
    const chains = n === undefined ? undefined : readChains(engine, n);
    return Object.fromEntries(stores.map((store) => [store, chains?.points(store) ?? []]));
  });
}
