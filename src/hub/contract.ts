/** What `createHub` takes. The hub knows no store: the composition root hands it metadata, transfers and tokens. */
import type { BlobStore } from '../blob/contract.ts';
import type { Manifest } from '../blob/manifest/contract.ts';
import type { Async } from '../core/async.ts';
import type { MetaStore } from '../meta/contract.ts';
import type { TransferService, TransferTokens } from '../wire/transfer-service.ts';
import type { Audit } from './audit.ts';
import type { Doctor } from './doctor.ts';
import type { PageFile } from './page.ts';

export type {
  Caller,
  Right,
  TransferClaims,
  TransferService,
  TransferStats,
  TransferTokens,
} from '../wire/transfer-service.ts';

/** The part of the metadata store that routes use; on its own thread (meta-thread.ts), so that no commit blocks us. */
export type HubMeta = Pick<
  Async<MetaStore>,
  | 'self'
  | 'listVolsets'
  | 'findVolset'
  | 'knowsVolset'
  | 'listBranches'
  | 'findBranch'
  | 'findSnapshot'
  | 'commit'
  | 'cut'
  | 'vector'
  | 'revision'
  | 'refs'
  | 'planDeltas'
  | 'readDeltas'
  | 'changesAfter'
  | 'viewOf'
  | 'heads'
  | 'pin'
  | 'unpin'
  | 'missingBlobs'
  | 'forgotten'
  | 'damagedBlobs'
  | 'keepBlobs'
  | 'sealed'
  | 'blobHead'
  | 'apply'
  | 'handOver'
  | 'moveRefs'
  | 'listTokens'
  | 'listConflicts'
  | 'listMembers'
  | 'numberedBlobs'
  | 'queue'
  | 'queueCounts'
  | 'stamps'
  | 'usage'
  | 'historyPage'
  | 'snapshotFacts'
  | 'volsetSummary'
  | 'volsetState'
  | 'blobSizes'
  | 'conflictPage'
  | 'putSetting'
>;

/** One structured log line. Never holds a token, an Authorization header or a query string. */
export interface LogLine {
  level: 'info' | 'warn' | 'error';
  event: string;
  [fact: string]: string | number | boolean | null | undefined;
}

export interface HubLimits {
  /** Simultaneous connections; more are refused. */
  connections: number;
  /** Milliseconds for a client to send its request head. */
  headersMs: number;
  /** Milliseconds for a whole JSON body. */
  bodyMs: number;
  /** Milliseconds that a streamed body or a reader may stand still. */
  idleMs: number;
  /** Milliseconds that close() gives to requests in progress. */
  drainMs: number;
  /** Bytes of a JSON request body. */
  jsonBytes: number;
  /** Bytes of one part of an upload. */
  uploadBytes: number;
  /** Bytes of one push of records. */
  recordBytes: number;
  /** Feeds that are open at once; more are refused (`busy`). */
  followers: number;
  /** The same for one token. */
  tokenFollowers: number;
  /** Milliseconds between marks of a feed that has nothing to say. */
  markMs: number;
  /** Bytes of the last changes of a volset that are kept for its followers. */
  ringBytes: number;
  /** Milliseconds that a state waits for its revision. */
  stateWaitMs: number;
}

/** Where views look into snapshots. */
export interface HubData {
  blob: Pick<BlobStore, 'reader' | 'packs'>;
  manifest: Manifest;
}

export interface HubOptions {
  meta: HubMeta;
  /** Without it nobody can look into a snapshot here. */
  data?: HubData;
  transfer: TransferService;
  /** The same that the transfer service signs with (transfer-token.ts). */
  transferTokens: TransferTokens;
  /** Default 127.0.0.1. Anything but loopback needs tokens or `noAuth`. */
  host?: string;
  /** 0 = any free port. */
  port?: number;
  tls?: { cert: string | Uint8Array; key: string | Uint8Array };
  readOnly?: boolean;
  /** Files of the page that is served at `/`; without them there is none. */
  page?: readonly PageFile[] | undefined;
  /** What is here is neither deleted nor renamed, whatever a token says. */
  appendOnly?: boolean;
  /** Bytes that must be free for the hub to call itself healthy. */
  minFree?: number;
  /** What `plait doctor` sees of this store, off the main thread; without it nobody is told. */
  doctor?: Doctor;
  /** Addresses (IP or CIDR) whose X-Forwarded-For is believed: for logs only. */
  trustedProxies?: string[];
  /** Where it is written who did what. The caller closes it, after the hub. */
  audit?: Audit;
  /** Serve without tokens beyond loopback: said explicitly, warned about. */
  noAuth?: boolean;
  limits?: Partial<HubLimits>;
  /**
   * Milliseconds between looks for records that other commands of this store wrote and did not cut; requests never
   * cut. Default 1000, 0 = never.
   */
  cutEveryMs?: number;
  log?: (line: LogLine) => void;
  /** Milliseconds since the epoch. */
  now?: () => number;
}

export interface Hub {
  readonly url: string;
  readonly port: number;
  /** Stops accepting, lets requests end within limits.drainMs, then cuts them. */
  close(): Promise<void>;
}
