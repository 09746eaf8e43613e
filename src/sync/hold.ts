/** `plait hold` and `plait release`: an application brackets its writes, and what lies between is in no snapshot. */
import { PlaitError } from '../core/errors.ts';
import { type MetaEngine, type Outcome, outcome, requireVolume } from './engine.ts';
import { isoOf } from './hold-brackets.ts';
import { lockVolume } from './hold-lock.ts';
import { addMark, inForce, listMarks, removeMark } from './hold-marks.ts';

/** How long a hold that nobody releases lasts, unless configured. */
export const HOLD_MS = 3_600_000;

export interface HoldResult {
  /** Of the working directory. */
  dir: string;
  /** Holds in force now. */
  holds: number;
  /** When the last of them ends by itself, ISO 8601; null: there is none. */
  until: string | null;
  /** release: the hold had ended by itself before, so that there may be a snapshot of what was being written. */
  expired?: boolean;
}

type Holder = Pick<MetaEngine, 'volume' | 'world' | 'lockWaitMs' | 'signal'>;

/** Waits for a snapshot that is being made; none begins from here on. */
export async function hold(engine: Holder, lastsMs: number): Promise<Outcome<HoldResult>> {
  const volume = requireVolume(engine);
  const lock = await lockVolume(engine, volume);
  try {
    const at = engine.world.now();
    addMark(volume, { at, until: at + lastsMs }, engine.world.random(8).toString('hex'));
  } finally {
    lock.release();
  }
  return outcome(stateOf(engine));
}

/** Takes one hold away: the oldest in force, else one that has ended by itself. Waits for nobody. */
export function release(engine: Holder): Outcome<HoldResult> {
  const volume = requireVolume(engine);
  for (;;) {
    const marks = listMarks(volume);
    const now = engine.world.now();
    const mark = inForce(marks, now)[0] ?? marks[0];
    if (mark === undefined) {
      throw new PlaitError('not-found', `nothing holds ${volume.state.dir}`, {
        hint: 'a hold that lasted too long has ended by itself: `plait config set hold.expires 4h` makes them last longer',
      });
    }
    if (!removeMark(volume, mark)) continue;
    return outcome({ ...stateOf(engine), expired: mark.until <= now });
  }
}

function stateOf(engine: Holder): HoldResult {
  const volume = requireVolume(engine);
  const marks = inForce(listMarks(volume), engine.world.now());
  const until = marks.length === 0 ? null : Math.max(...marks.map((mark) => mark.until));
  return { dir: volume.state.dir, holds: marks.length, until: isoOf(until) };
}
