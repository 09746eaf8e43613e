/** One row of the protocol: what the server registers and checks, and what the OpenAPI document shows. */
import type { SnapshotId, VolsetId } from '../../core/ids.ts';
import type { Schema } from '../../wire/schema.ts';
import type { Right, TransferClaims, TransferService, TransferTokens } from '../../wire/transfer-service.ts';
import type { ScopedCaller } from '../access.ts';
import type { HubData, HubLimits, HubMeta } from '../contract.ts';
import type { DoctorWatch } from '../doctor.ts';
import type { FactReader } from '../facts.ts';
import type { Feeds } from '../feed/feeds.ts';
import type { HeadWatch } from '../feed/head-watch.ts';
import type { HealthWatch } from '../health.ts';
import type { Metrics } from '../metrics.ts';
import type { PendingVolsets } from '../pending-volsets.ts';
import type { Summaries } from '../views/summaries.ts';
import type { VolsetViews } from '../views/volset-views.ts';

export interface HubContext {
  meta: HubMeta;
  data: HubData | undefined;
  transfer: TransferService;
  transferTokens: TransferTokens;
  limits: HubLimits;
  metrics: Metrics;
  pending: PendingVolsets;
  /** Who moved; `meta` pokes it at each write. */
  heads: HeadWatch;
  feeds: Feeds;
  /** What metrics tell of the store. */
  facts: FactReader;
  health: HealthWatch;
  doctor: DoctorWatch;
  /** What people see, kept while it is asked for. */
  views: VolsetViews;
  /** Figures of volsets, likewise. */
  summaries: Summaries;
  now: () => number;
}

/** A request whose token, rights, path and body have been checked. */
export interface Call {
  caller: ScopedCaller;
  /** Throws unless the caller may do this; routes whose volset stands in the body call it themselves. */
  authorize(right: Right, volset?: VolsetId): void;
  /** Who it is by now: throws where the token has been revoked, has run out or allows this no more. */
  renew(): Promise<ScopedCaller>;
  /** The path's volset; present where the path has one. */
  volset: VolsetId;
  /** The path's snapshot, which need not be here; present where the path has one. */
  snapshot: SnapshotId;
  /** Verified claims where the route wants a transfer token. */
  claims: TransferClaims;
  query: Readonly<Record<string, string | undefined>>;
  /** Decoded JSON, raw bytes, or undefined for streams. */
  body: unknown;
  /** For streamed bodies. */
  stream(maxBytes: number): AsyncGenerator<Uint8Array>;
  /** For the audit log: what exactly was changed. */
  note(facts: Readonly<Record<string, unknown>>): void;
  /** Aborts when the client goes away or the hub stops. */
  signal: AbortSignal;
}

export interface Medium {
  type: string;
  schema?: Schema;
  description?: string;
  /** Of NDJSON: what its lines may be, by what they are. */
  lines?: Record<string, Schema>;
  /** Of answers: sent piece by piece, which types of streams always are. */
  stream?: true;
  /** Of answers that are no streams: packed for clients that take that. */
  compressed?: true;
}

export interface Route {
  method: 'GET' | 'POST' | 'PUT';
  /** With `:volset`, `:snapshot` or `:upload` as parameters. */
  path: string;
  summary: string;
  /** null: open to everyone; any: to every valid token, whatever its rights. */
  right: Right | 'any' | null;
  /** A token with this right instead gets an answer as well, of what is its own. */
  also?: Right;
  /** The route wants a transfer token for this direction. */
  transfer?: 'up' | 'down';
  query?: Record<string, Schema>;
  optionalQuery?: Record<string, Schema>;
  /** It changes something: its name in the audit log. */
  audit?: string;
  /** Beside those that every answer has. */
  headers?: Readonly<Record<string, string>>;
  /** Of an answer that is no error; 200 unless given. */
  status?(result: unknown): number;
  /** The answer goes on until somebody ends it, and may say nothing for long. */
  live?: true;
  body?: Medium;
  answer: Medium;
  /** A value or text for JSON, text or bytes for other types, a byte stream or a StreamAnswer. */
  handle(context: HubContext, call: Call): Promise<unknown>;
}
