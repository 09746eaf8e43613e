/** Are the chains what the generations give? Each whole, named by its first generation, and begun where another ends. */
import { checkGeneration, NO_GENERATION } from '../../core/generation.ts';
import { type ChainId, type GenerationHash, storeOf, type VolsetId } from '../../core/ids.ts';
import type { Engine } from './engine.ts';
import { HEADER_COLUMNS, type HeaderRow, readGeneration } from './log.ts';

interface Line {
  first: HeaderRow;
  last: HeaderRow;
}

export function* chainFaults(engine: Engine, n: number, volset: VolsetId): Generator<string> {
  const lines = new Map<ChainId, Line>();
  const rows = engine.db.each<HeaderRow>(
    `SELECT ${HEADER_COLUMNS} WHERE g.volset = ? ORDER BY g.store, g.generation`,
    n,
  );
  for (const row of rows) {
    const line = lines.get(row.chain);
    if (line === undefined) lines.set(row.chain, { first: row, last: row });
    else {
      if (!follows(row, line.last)) yield `the chain ${row.chain} is broken at generation ${row.generation}`;
      line.last = row;
    }
    const fault = damageOf(() => checkGeneration(volset, readGeneration(engine, row)));
    if (fault !== undefined) yield fault;
  }
  yield* vectorFaults(engine, n, lines);
  yield* forkFaults(engine, n, lines);
}

const follows = (row: HeaderRow, before: HeaderRow): boolean =>
  row.generation === before.generation + 1 && row.previous === before.hash && row.position > before.position;

function damageOf(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function* vectorFaults({ db }: Engine, n: number, lines: ReadonlyMap<ChainId, Line>): Generator<string> {
  const said = db.all<{ chain: ChainId; generation: number; hash: GenerationHash }>(
    'SELECT s.id AS chain, v.generation, v.hash FROM vector v JOIN stores s ON s.n = v.store WHERE v.volset = ?',
    n,
  );
  const wrong = said.find(({ chain, generation, hash }) => {
    const last = lines.get(chain)?.last;
    return last?.generation !== generation || last.hash !== hash;
  });
  if (wrong || said.length !== lines.size) yield 'the generation vector is not what the generations give';
}

function* forkFaults({ db }: Engine, n: number, lines: ReadonlyMap<ChainId, Line>): Generator<string> {
  const forks = db.all<{ chain: ChainId; parent: ChainId; after: number }>(
    `SELECT s.id AS chain, p.id AS parent, f.generation AS after
     FROM forks f JOIN stores s ON s.n = f.chain JOIN stores p ON p.n = f.parent WHERE f.volset = ?`,
    n,
  );
  const byChain = new Map(forks.map((fork) => [fork.chain, fork]));
  for (const [chain, { first }] of lines) {
    const fork = byChain.get(chain);
    const begins = fork ? beginsAt(first, fork.after, lines.get(fork.parent)?.last) : beginsAt(first, 0, undefined);
    const name = fork ? `${first.store}/${first.hash}` : first.store;
    if (!begins || chain !== name) yield `the chain ${chain} does not begin where it should`;
  }
  for (const [parent, children] of Map.groupBy(forks, (fork) => fork.parent)) {
    const isFork =
      children.length > 1 && children.every(({ chain }) => lines.has(chain) && storeOf(chain) === storeOf(parent));
    if (!isFork) yield `the chain ${parent} does not fork where it is said to`;
  }
}

const beginsAt = (first: HeaderRow, after: number, before: HeaderRow | undefined): boolean =>
  first.generation === after + 1 && (before ? follows(first, before) : after === 0 && first.previous === NO_GENERATION);
