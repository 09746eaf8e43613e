/** What passes between the main thread and the workers: tasks by name, each with its input and its answer. */
import type { ErrorCode } from '../../core/errors.ts';
import type { DecodedFrame } from '../delta.ts';
import type { DecodeDelta, EncodeDelta } from './delta.ts';
import type { RawBlock } from './encode-block.ts';
import type { ExtractedUnit, ExtractUnit, RangeUnit } from './extract-types.ts';
import type {
  HashedFiles,
  HashedSegment,
  HashFiles,
  HashSegment,
  ScannedSegment,
  ScanSegment,
  StatedFile,
  StatFile,
} from './ingest-types.ts';

export interface Tasks {
  /** Reads, chunks and hashes small files; what it read is kept until `pack` or `drop`. */
  hashFiles: { in: HashFiles; out: HashedFiles };
  statFile: { in: StatFile; out: StatedFile };
  /** Candidates for cuts in one segment of a big file. */
  scanSegment: { in: ScanSegment; out: ScannedSegment };
  /** Hashes the chunks of one segment; what it read is kept until `pack` or `drop`. */
  hashSegment: { in: HashSegment; out: HashedSegment };
  /** Compresses the new ones (`flags` one byte per id) of what an earlier task of this worker kept; answers with full blocks. */
  pack: { in: { session: number; kept: number; flags: Uint8Array }; out: Uint8Array[] };
  drop: { in: { session: number; kept: number }; out: undefined };
  /** The block that is not full yet, and the end of the session. */
  flush: { in: { session: number }; out: Uint8Array[] };
  /** Forgets a session. */
  end: { in: { session: number }; out: undefined };
  verifyBlock: { in: { bytes: Uint8Array }; out: { bytes: Uint8Array } };
  encodeDelta: { in: EncodeDelta; out: { frame: Uint8Array | undefined } };
  decodeDelta: { in: DecodeDelta; out: DecodedFrame };
  /** Compresses objects whose hashes were checked. */
  encodeBlock: { in: RawBlock; out: Uint8Array };
  extractFiles: { in: ExtractUnit; out: ExtractedUnit };
  writeRange: { in: RangeUnit; out: undefined };
}
export type TaskName = keyof Tasks;

export interface Request {
  id: number;
  name: TaskName;
  input: unknown;
}

export interface WireError {
  code: ErrorCode;
  message: string;
  hint?: string;
  data?: Record<string, unknown>;
  /** errno name of a failed system call. */
  errno?: string;
}

export type Response = { id: number; value: unknown } | { id: number; error: WireError };

/** An answer and what of it moves instead of being copied. */
export interface Answer<T> {
  value: T;
  transfer?: ArrayBuffer[];
}

/** Runs tasks, each on a worker that the caller names by number: state that a task keeps lies with that worker. */
export interface Runner extends AsyncDisposable {
  readonly size: number;
  /** The worker with the fewest unanswered tasks. */
  idlest(): number;
  run<K extends TaskName>(
    worker: number,
    name: K,
    input: Tasks[K]['in'],
    transfer?: ArrayBuffer[],
  ): Promise<Tasks[K]['out']>;
}
