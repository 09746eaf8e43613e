/** The working directory of a follower's store: apart from the rounds, which go on whatever keeps it where it is. */
import { PlaitError } from '../../core/errors.ts';
import type { VolsetId } from '../../core/ids.ts';
import { type Engine, requireVolume } from '../engine.ts';
import { forwardVolume } from '../forward-volume.ts';
import { findBracket } from '../hold-brackets.ts';
import type { News } from './tell.ts';

export class Directory {
  readonly #engine: Engine;
  /** Several remotes are followed at once, and one of them at a time takes it along. */
  #turn: Promise<unknown> = Promise.resolve();
  #told: string | undefined;
  /** An application keeps it. */
  #bracketed = false;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Takes it to the tip of its branch. Answers whether it has to stay behind. */
  forward(volset: VolsetId, emit: (news: News) => void): Promise<boolean> {
    if (this.#engine.volume?.state.volset !== volset) return Promise.resolve(false);
    const forwarded = this.#turn.then(() => this.#forward(volset, emit));
    this.#turn = forwarded.catch(() => {});
    return forwarded;
  }

  /** The application that kept it has written all. */
  get isReleased(): boolean {
    const { volume } = this.#engine;
    return this.#bracketed && volume !== undefined && findBracket(this.#engine, volume) === undefined;
  }

  async #forward(volset: VolsetId, emit: (news: News) => void): Promise<boolean> {
    const { id, dir } = requireVolume(this.#engine).state;
    const about = { event: 'volume', object: `volume:${id}`, path: dir } as const;
    const stays = (message: string): boolean => {
      if (this.#told !== message) emit({ ...about, type: 'problem', message });
      this.#told = message;
      return true;
    };
    try {
      const { moved, unsaved, held = false, problems } = await forwardVolume(this.#engine, volset);
      this.#bracketed = held;
      if (held) return stays(problems[0].message);
      if (unsaved) return stays(UNSAVED);
      this.#told = undefined;
      if (moved) emit({ ...about, type: 'updated' });
      for (const { message } of problems) emit({ ...about, type: 'problem', message });
      return false;
    } catch (error) {
      this.#engine.signal.throwIfAborted();
      if (error instanceof PlaitError) return stays(error.message);
      throw error;
    }
  }
}

const UNSAVED =
  'the working directory stays behind its branch for its unsaved changes: save them with `plait snapshot`, which tells how to join them';
