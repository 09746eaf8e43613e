/** Says what the watcher does and finds: each thing once as long as it lasts. */
import type { ErrorCode } from '../../core/errors.ts';
import { jsonPath, type PathKey, ROOT } from '../../core/paths.ts';
import type { Volume } from '../../volume/contract.ts';
import type { Engine } from '../engine.ts';
import { type Bracket, showBracket } from '../hold-brackets.ts';
import type { ProblemRow, SnapshotResult } from '../results.ts';
import type { WatchEvent, WatchNews } from './events.ts';
import { ToldProblems } from './told.ts';

type Emit = (event: WatchEvent) => Promise<void>;

export class Teller {
  readonly #engine: Engine;
  readonly #volume: Volume;
  readonly #emit: Emit;
  readonly #told = new ToldProblems();
  #about: Pick<WatchEvent, 'volset' | 'volsetId' | 'rev'>;

  constructor(engine: Engine, volume: Volume, emit: Emit) {
    this.#engine = engine;
    this.#volume = volume;
    this.#emit = emit;
    this.#about = { volset: null, volsetId: volume.state.volset, rev: 0 };
  }

  async tell(news: WatchNews, object: string | null = `volume:${this.#volume.state.id}`): Promise<void> {
    await this.#emit({ ...news, ...this.#now(), object });
  }

  async changed(path: PathKey): Promise<void> {
    const where = path === ROOT ? {} : jsonPath(path);
    await this.tell({ event: 'changed', type: 'updated', ...where });
  }

  /** `subject`: what is told once until it changes or all is well. */
  async problem(subject: string, message: string, more: { code?: ErrorCode; hint?: string } = {}): Promise<void> {
    if (!this.#told.isNews(subject, message)) return;
    const { code, hint } = more;
    await this.tell({ event: 'problem', type: 'problem', ...(code && { code }), message, ...(hint && { hint }) });
  }

  async held(bracket: Bracket, until: string | null): Promise<void> {
    const { by, holds, lockFile } = bracket;
    if (!this.#told.isNews('bracket', showBracket(bracket))) return;
    await this.tell({ event: 'held', type: 'status', by, holds, until, lockFile });
  }

  async waiting(retryInMs: number, reason: { code: ErrorCode; message: string }): Promise<void> {
    if (!this.#told.isNews('look', reason.message)) return;
    await this.tell({ event: 'waiting', type: 'status', retryInMs, reason });
  }

  async snapshot(result: SnapshotResult): Promise<void> {
    const { snapshot, branch, forkedFrom, files, bytes, changed, deleted, addedBytes, storedBytes, durationMs } =
      result;
    if (snapshot === null) return;
    const counts = { files, bytes, new: result.new, changed, deleted, addedBytes, storedBytes, durationMs };
    const fork = forkedFrom === undefined ? {} : { forkedFrom };
    await this.tell({ event: 'snapshot', type: 'new', snapshot, branch, ...fork, ...counts }, `snapshot:${snapshot}`);
    if (forkedFrom === undefined) return;
    const message = `${forkedFrom} had moved on from what lay in the directory: from here on snapshots go to ${branch}`;
    const hint = `join both with \`plait checkout ${forkedFrom}\`, then \`plait merge ${branch}\``;
    await this.tell({ event: 'problem', type: 'problem', code: 'diverged', message, hint }, `branch:${branch}`);
  }

  /** A look came to its end, with problems of single paths at most. `limit`: why not all is watched. */
  async allWell(problems: readonly ProblemRow[], limit: string | undefined): Promise<void> {
    for (const subject of ['look', 'held', 'bracket']) this.#told.isNews(subject, undefined);
    const { rows, more } = this.#told.news(problems);
    for (const { what, message, path, pathBase64 } of rows) {
      const where = { ...(path !== undefined && { path }), ...(pathBase64 !== undefined && { pathBase64 }) };
      await this.tell({ event: 'problem', type: 'problem', what, message, ...where }, null);
    }
    if (more > 0) await this.tell({ event: 'problem', type: 'problem', message: `and ${more} more of this kind` });
    if (limit === undefined) this.#told.isNews('limit', undefined);
    else await this.#limited(limit);
  }

  async #limited(errno: string): Promise<void> {
    const message = `the system watches no more directories (${errno}): the others are looked through now and then`;
    await this.problem('limit', message, {
      code: 'io',
      hint: 'raise its limit (on Linux: sysctl fs.inotify.max_user_watches), or ignore what needs no snapshots in .plaitignore',
    });
  }

  /** The store may be gone together with the directory; what was known last is said then. */
  #now(): Pick<WatchEvent, 'volset' | 'volsetId' | 'rev'> {
    const { meta } = this.#engine;
    const { volset } = this.#volume.state;
    try {
      const name = meta.findVolset(volset)?.name ?? null;
      this.#about = { volset: name, volsetId: volset, rev: meta.revision(volset) };
    } catch {
      // Said by whoever looks next.
    }
    return this.#about;
  }
}
