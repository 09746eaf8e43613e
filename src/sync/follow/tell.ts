/** What a round did, as events: only what happened, and of problems only those that the round before did not have. */
import type { Failure } from '../../core/follow.ts';
import type { VolsetId } from '../../core/ids.ts';
import type { MetaStore } from '../../meta/contract.ts';
import type { Conclusion } from '../replicate.ts';
import type { BranchOutcome, ProblemRow, SyncResult } from '../results.ts';
import type { FollowEvent } from './events.ts';

type About = Pick<FollowEvent, 'remote' | 'volset' | 'volsetId' | 'rev'>;
type Bare<T> = T extends unknown ? Omit<T, keyof About> : never;
/** An event but for what it is about. */
export type News = Bare<FollowEvent>;

const TYPES: Partial<Record<BranchOutcome['action'], 'new' | 'updated' | 'deleted'>> = {
  new: 'new',
  'fast-forward': 'updated',
  replaced: 'updated',
  renamed: 'updated',
  deleted: 'deleted',
};

export class Teller {
  /** Texts of what the last round was left with. */
  #told = new Set<string>();
  readonly #emit: (news: News) => void;

  constructor(emit: (news: News) => void) {
    this.#emit = emit;
  }

  round(meta: MetaStore, volset: VolsetId, conclusion: Conclusion): void {
    const { result } = conclusion;
    const ids = branchIds(meta, volset, conclusion);
    for (const row of result.branches) {
      const { name, side, from, to } = row;
      const type = TYPES[row.action];
      if (type) this.#emit({ event: 'branch', type, object: `branch:${ids.get(name) ?? name}`, name, side, from, to });
    }
    const { pushed, pulled } = result;
    if (pushed.snapshots + pulled.snapshots > 0) {
      const [up, down] = [pushed, pulled].map(({ snapshots, bytes }) => ({ snapshots, bytes }));
      this.#emit({ event: 'data', type: 'updated', pushed: up, pulled: down });
    }
    this.#left(leftOf(result, ids));
  }

  /** Of the remote as a whole (null), or of one object. Once for as long as it is the same. */
  failure({ code, message, hint }: Failure, object: string | null): void {
    const words = hint === undefined ? { message } : { message, hint };
    const news: News = { event: 'problem', type: 'problem', object, code, ...words };
    const text = JSON.stringify(news);
    if (this.#told.has(text)) return;
    this.#told.add(text);
    this.#emit(news);
  }

  #left(rows: News[]): void {
    const now = new Map(rows.map((row) => [JSON.stringify(row), row]));
    for (const [text, row] of now) if (!this.#told.has(text)) this.#emit(row);
    this.#told = new Set(now.keys());
  }
}

function branchIds(meta: MetaStore, volset: VolsetId, { progress }: Conclusion): Map<string, string> {
  const deleted = progress.applied.deleted.flatMap((object) => {
    const [kind, id] = object.split(':');
    return kind === 'branch' ? [id] : [];
  });
  const names = Object.entries(meta.branchNames(volset, deleted as Parameters<MetaStore['branchNames']>[1]));
  const live = progress.views.map(({ id, name }) => [name, id] as const);
  return new Map([...names.map(([id, name]) => [name, id] as const), ...live]);
}

function leftOf(result: SyncResult, ids: Map<string, string>): News[] {
  const conflicts = result.conflicts.map(({ id, object, objectName, field }): News => {
    const message = `both sides changed ${field} of ${objectName ?? object}: conflict ${id.slice(0, 12)}`;
    return { event: 'conflict', type: 'problem', object, message, hint: 'see `plait conflicts list`' };
  });
  const diverged = result.diverged.map(({ branch }): News => {
    const message = `${branch} has gone different ways here and at ${result.remote}`;
    const hint = `join them with \`plait merge ${result.remote}/${branch}\`, or see \`plait sync ${result.remote}\` for other ways`;
    return { event: 'diverged', type: 'problem', object: `branch:${ids.get(branch) ?? branch}`, message, hint };
  });
  return [...conflicts, ...diverged, ...result.problems.map((row) => problemNews(row, ids))];
}

function problemNews(row: ProblemRow, ids: Map<string, string>): News {
  const branch = row.branch === undefined ? undefined : `branch:${ids.get(row.branch) ?? row.branch}`;
  const snapshot = row.snapshot === undefined ? undefined : `snapshot:${row.snapshot}`;
  const object = row.object ?? snapshot ?? branch ?? row.path ?? null;
  return { event: 'problem', type: 'problem', object, message: row.message };
}
