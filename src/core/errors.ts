/**
 * The one table of errors. Every failure that leaves a layer is a PlaitError; its code decides the exit code of the
 * process and the HTTP status of the hub, so that the same fault reads the same at a terminal, in JSON and on the wire.
 */
type Row = { exit: number; http: number; retryable: boolean };

const row = (exit: number, http: number, retryable = false): Row => ({ exit, http, retryable });

export const ERRORS = {
  unexpected: row(1, 500),
  usage: row(2, 400),
  'ambiguous-reference': row(2, 400),
  'bad-config': row(2, 400),
  incomplete: row(3, 500),
  'nothing-to-do': row(4, 200),
  conflicts: row(5, 409),
  diverged: row(6, 409),
  'not-fast-forward': row(6, 409),
  differences: row(7, 200),
  'unsaved-changes': row(8, 409),
  guard: row(9, 409),
  'not-found': row(10, 404),
  'no-store': row(10, 404),
  'blob-absent': row(10, 404),
  exists: row(2, 409),
  busy: row(11, 503, true),
  unauthorized: row(12, 401),
  forbidden: row(12, 403),
  network: row(13, 502, true),
  deadline: row(13, 504, true),
  integrity: row(14, 422),
  'no-space': row(15, 507),
  quota: row(15, 413),
  identity: row(16, 409),
  rollback: row(16, 409),
  protocol: row(17, 400),
  format: row(17, 400),
  // Of the feed: the log was thinned behind the asked revision; it lies in the future of that store; a replica is not there yet.
  compacted: row(13, 410),
  ahead: row(16, 416),
  behind: row(13, 412, true),
  doctor: row(18, 200),
  io: row(1, 500),
  interrupted: row(130, 499),
} as const satisfies Record<string, Row>;

export type ErrorCode = keyof typeof ERRORS;

export interface ErrorExtra {
  /** The way out, as a sentence or a command. */
  hint?: string;
  /** Facts for programs; shown with --json only. */
  data?: Record<string, unknown>;
  cause?: unknown;
}

export class PlaitError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly data: Record<string, unknown> | undefined;

  constructor(code: ErrorCode, message: string, extra: ErrorExtra = {}) {
    super(message, extra.cause === undefined ? undefined : { cause: extra.cause });
    this.name = 'PlaitError';
    this.code = code;
    this.hint = extra.hint;
    this.data = extra.data;
  }

  get exit(): number {
    return ERRORS[this.code].exit;
  }

  get httpStatus(): number {
    return ERRORS[this.code].http;
  }

  get retryable(): boolean {
    return ERRORS[this.code].retryable;
  }
}

export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(ERRORS, value);
}

/** First hit wins when a run has several outcomes (docs/cli.md, "Exit codes"). */
const PRECEDENCE = [130, 143, 1, 14, 16, 17, 15, 12, 13, 11, 10, 9, 8, 6, 5, 3, 7, 4];

export function worstExit(codes: Iterable<number>): number {
  const seen = new Set(codes);
  for (const code of PRECEDENCE) if (seen.has(code)) return code;
  for (const code of seen) if (code !== 0) return code;
  return 0;
}

/** Errno of the operating system -> our code; undefined when it is nobody's fault but ours. */
export function codeOfErrno(errno: string | undefined): ErrorCode | undefined {
  switch (errno) {
    case 'ENOSPC':
    case 'EDQUOT':
      return 'no-space';
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
    case 'EIO':
    case 'EMFILE':
    case 'ENFILE':
      return 'io';
    default:
      return undefined;
  }
}
