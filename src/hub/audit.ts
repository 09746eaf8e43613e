/**
 * Who did what: a line of JSON for each request that changes something, refused ones included. It never holds a token or
 * a name of a file. Who writes it must not make requests wait; what cannot be written is a failing check of health, and
 * stops nobody.
 */
export interface AuditEntry {
  /** ISO 8601, UTC. */
  time: string;
  action: string;
  /** Id and label of the token; null: none that holds. */
  token: string | null;
  label: string | null;
  volset: string | null;
  /** `cut`: nobody was there any more to take the answer. */
  outcome: 'done' | 'refused' | 'failed' | 'cut';
  status: number;
  /** Why, where it was refused or failed. */
  code: string | null;
  /** Of the body. */
  bytes: number;
  from: string;
  [fact: string]: unknown;
}

export interface Audit extends AsyncDisposable {
  write(entry: AuditEntry): void;
  /** The file was moved away: go on in a new one. */
  reopen(): void;
  /** Why lines are missing at its end; undefined: none is. */
  fault(): string | undefined;
}
