/**
 * Brackets around the writes of an application: `plait hold` … `plait release`, or a file named in the configuration
 * that is there while it writes. Nothing is read for a snapshot inside of them, and nothing is written by a pull.
 */
import { join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PlaitError } from '../core/errors.ts';
import type { Volume } from '../volume/contract.ts';
import { exists, NameWatch } from '../volume/index.ts';
import type { Engine } from './engine.ts';
import { inForce, listMarks } from './hold-marks.ts';

export interface Bracket {
  by: 'hold' | 'lock-file';
  /** Marks in force. */
  holds: number;
  /** When the last of them ends, milliseconds since the epoch; null: a lock file, which has no end. */
  until: number | null;
  /** Absolute. */
  lockFile: string | null;
}

type Asker = Pick<Engine, 'world' | 'lockFile'>;

/** Where the file lies that is there while an application writes. Throws `bad-config` for one outside the volume. */
export function lockFileOf({ lockFile }: Asker, volume: Volume): string | undefined {
  if (lockFile === undefined) return undefined;
  const { dir } = volume.state;
  const inside = relative(dir, join(dir, lockFile));
  if (inside !== '' && inside !== '..' && !inside.startsWith('../')) return join(dir, inside);
  throw new PlaitError('bad-config', `the lock file ${lockFile} does not lie in the working directory ${dir}`, {
    hint: 'name it by its path in the directory: `plait config set watch.lock-file PATH`',
  });
}

export function findBracket(engine: Asker, volume: Volume): Bracket | undefined {
  const marks = inForce(listMarks(volume), engine.world.now());
  if (marks.length > 0) {
    return { by: 'hold', holds: marks.length, until: Math.max(...marks.map(({ until }) => until)), lockFile: null };
  }
  const lockFile = lockFileOf(engine, volume);
  if (lockFile === undefined || !exists(lockFile)) return undefined;
  return { by: 'lock-file', holds: 0, until: null, lockFile };
}

export const showBracket = (bracket: Bracket): string =>
  bracket.by === 'hold'
    ? 'the working directory is held by `plait hold`'
    : `the lock file ${bracket.lockFile} is there`;

export const heldError = (volume: Volume, bracket: Bracket): PlaitError =>
  new PlaitError('busy', `${showBracket(bracket)}: an application is writing to ${volume.state.dir}`, {
    hint:
      bracket.by === 'hold'
        ? 'end it with `plait release` when the application is done'
        : `wait for the application, or remove ${bracket.lockFile} if it is left over`,
    data: { heldBy: bracket.by, holds: bracket.holds, until: isoOf(bracket.until), lockFile: bracket.lockFile },
  });

const POLL_MS = 50;

/** Waits until no application holds the directory; throws `busy` at `end` (of performance.now). */
export async function untilFree(
  engine: Asker & Pick<Engine, 'signal'>,
  volume: Volume,
  { bracket, end }: { bracket: Bracket; end: number },
): Promise<void> {
  do {
    if (performance.now() >= end) throw heldError(volume, bracket);
    engine.signal.throwIfAborted();
    await sleep(POLL_MS);
  } while (findBracket(engine, volume));
}

export const isoOf = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());

/** Notes whether the lock file comes while files are read; `hold` cannot, as it waits for the volume's lock. */
export class ReadGuard implements Disposable {
  readonly #lockFile: string | undefined;
  readonly #watch: NameWatch | undefined;

  constructor(engine: Asker, volume: Volume) {
    this.#lockFile = lockFileOf(engine, volume);
    this.#watch = this.#lockFile === undefined ? undefined : new NameWatch(this.#lockFile);
  }

  /** The bracket that what was read may lie in, partly. */
  async broken(): Promise<Bracket | undefined> {
    if (this.#lockFile === undefined || !(await this.#watch?.touched())) return undefined;
    return { by: 'lock-file', holds: 0, until: null, lockFile: this.#lockFile };
  }

  [Symbol.dispose](): void {
    this.#watch?.[Symbol.dispose]();
  }
}
