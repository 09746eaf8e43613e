import type { VolsetId } from '../core/ids.ts';
import type { Stamp } from '../meta/contract.ts';
import type { TransferStats } from '../wire/transfer-service.ts';
import type { ScopedCaller } from './access.ts';
import { family, Histogram, histograms, single } from './exposition.ts';
import type { Facts, VolsetFacts } from './facts.ts';

export interface Rendered {
  facts: Facts;
  transfers: TransferStats;
  caller: Pick<ScopedCaller, 'covers' | 'volset'>;
  now: number;
}

/** Counters of one hub in the Prometheus text format. Labels hold route patterns and codes, never names or ids. */
export class Metrics {
  readonly #requests = new Map<string, number>();
  readonly #errors = new Map<string, number>();
  readonly #durations = new Map<string, Histogram>();
  bytesIn = 0;
  bytesOut = 0;
  uploads = 0;
  downloads = 0;
  followers = 0;
  changesSent = 0;
  feedsCut = 0;

  request(method: string, route: string, status: number): void {
    add(this.#requests, `method="${method}",route="${route}",status="${status}"`);
  }

  error(code: string): void {
    add(this.#errors, `code="${code}"`);
  }

  took(route: string, seconds: number): void {
    let histogram = this.#durations.get(route);
    if (!histogram) {
      histogram = new Histogram();
      this.#durations.set(route, histogram);
    }
    histogram.add(seconds);
  }

  render({ facts, transfers, caller, now }: Rendered): string {
    const byRoute = Array.from(this.#durations, ([route, took]): [string, Histogram] => [`route="${route}"`, took]);
    return [
      ...family('plait_requests_total', 'counter', 'Requests answered.', this.#requests),
      ...family('plait_errors_total', 'counter', 'Errors answered, by code.', this.#errors),
      ...single('plait_received_bytes_total', 'counter', 'Bytes of request bodies.', this.bytesIn),
      ...single('plait_sent_bytes_total', 'counter', 'Bytes of answer bodies.', this.bytesOut),
      ...single('plait_volsets', 'gauge', 'Volume sets in this store that the token covers.', countOf(facts, caller)),
      ...single('plait_uploads_in_progress', 'gauge', 'Parts of uploads being received.', this.uploads),
      ...single('plait_downloads_in_progress', 'gauge', 'Blob diffs being sent.', this.downloads),
      ...single('plait_followers', 'gauge', 'Feeds that are open.', this.followers),
      ...single('plait_changes_sent_total', 'counter', 'Changes told, to each follower.', this.changesSent),
      ...single('plait_feeds_cut_total', 'counter', 'Feeds whose reader stood still.', this.feedsCut),
      ...single('plait_uploads_open', 'gauge', 'Uploads whose quarantine is open.', transfers.openUploads),
      ...single('plait_quarantine_bytes', 'gauge', 'Bytes of unfinished uploads.', transfers.quarantineBytes),
      ...single('plait_parts_total', 'counter', 'Parts of uploads that were begun.', transfers.parts),
      ...single('plait_deltas_total', 'counter', 'Objects that came as deltas.', transfers.deltas),
      ...single('plait_lacking_total', 'counter', 'Objects whose delta could not be decoded.', transfers.lacking),
      ...single('plait_sealed_total', 'counter', "Numbers of senders' blobs that were sealed.", transfers.sealed),
      ...histograms('plait_request_duration_seconds', 'Until the answer was out, feeds left out.', byRoute),
      ...storeLines(facts, caller.covers, caller.volset === null, now),
      ...processLines(),
      '',
    ].join('\n');
  }
}

const add = (counts: Map<string, number>, key: string): void => void counts.set(key, (counts.get(key) ?? 0) + 1);

/** `covers`: volsets that the asker may hear of. Of tokens and the queue only who may hear of all of them hears. */
function storeLines(facts: Facts, covers: (volset: VolsetId) => boolean, all: boolean, now: number): string[] {
  const shown = facts.shown.filter(({ volset }) => covers(volset));
  const each = (value: (of: VolsetFacts) => number | undefined): [string, number][] =>
    shown.flatMap((of): [string, number][] => {
      const found = value(of);
      return found === undefined ? [] : [[`volset="${of.volset}"`, found]];
    });
  const age = (at: number): number => Math.max(0, now - at) / 1000;
  const last = facts.stamps.filter(({ what, volset }) => volset === null && WORK.has(what));
  return [
    ...family(
      'plait_snapshot_age_seconds',
      'gauge',
      'Since the newest snapshot here was made.',
      each(({ newest }) => newest && age(newest)),
    ),
    ...family(
      'plait_conflicts',
      'gauge',
      'Open conflicts.',
      each(({ conflicts }) => conflicts),
    ),
    ...family(
      'plait_members',
      'gauge',
      'Stores that write, retired ones left out.',
      each(({ members }) => members),
    ),
    ...family(
      'plait_member_lag_generations',
      'gauge',
      'Generations that the member lacks that lacks most.',
      each(({ lag }) => lag),
    ),
    ...family(
      'plait_damaged_snapshots',
      'gauge',
      'Snapshots that cannot be read whole.',
      each(({ damaged }) => damaged),
    ),
    ...family(
      'plait_stored_bytes',
      'gauge',
      'Bytes of packs.',
      each(({ storedBytes }) => storedBytes),
    ),
    ...(all ? queueLines(facts) : []),
    ...family(
      'plait_last_success_timestamp_seconds',
      'gauge',
      'When it last went well.',
      last.map(({ what, at }) => [`work="${what}"`, at / 1000]),
    ),
    ...scrubLines(facts.stamps),
    ...single(
      'plait_damage_found',
      'gauge',
      '1 from when a verify finds damage until it is mended.',
      damageFound(facts),
    ),
    ...family(
      'plait_token_used_bytes',
      'gauge',
      'Stored bytes that a token has added.',
      all
        ? facts.usage.filter(([owner]) => TOKEN.test(owner)).map(([owner, bytes]) => [`token="${owner}"`, bytes])
        : [],
    ),
    ...(facts.freeBytes === undefined
      ? []
      : single('plait_free_bytes', 'gauge', 'Left on the disk of the store.', facts.freeBytes)),
  ];
}

const countOf = ({ volsets, shown }: Facts, { volset, covers }: Rendered['caller']): number =>
  volset === null ? volsets : shown.filter((of) => covers(of.volset)).length;

/** Of all volsets together. */
const queueLines = ({ queue: { waiting, dead } }: Facts): string[] => [
  ...single('plait_queue_waiting', 'gauge', 'Snapshots that this store has yet to send.', waiting),
  ...single('plait_queue_refused', 'gauge', 'Snapshots of its queue that were refused for good.', dead),
];

const WORK: ReadonlySet<string> = new Set(['gc', 'scrub', 'verify']);
const TOKEN = /^[0-9a-f]{12}$|^anonymous$/;

const damageFound = ({ stamps }: Facts): number =>
  stamps.some(({ what, volset, detail }) => what === 'damage' && volset === null && detail !== 'none') ? 1 : 0;

/** Figures that the last scrub left, whatever they are by now: numbers with plain names. */
function scrubLines(stamps: readonly Stamp[]): string[] {
  const detail = stamps.find(({ what, volset }) => what === 'scrub' && volset === null)?.detail;
  if (detail == null) return [];
  let told: unknown;
  try {
    told = JSON.parse(detail);
  } catch {
    return [];
  }
  if (told === null || typeof told !== 'object') return [];
  const figures = Object.entries(told).filter(
    (entry): entry is [string, number] => /^[A-Za-z]{1,32}$/.test(entry[0]) && Number.isFinite(entry[1]),
  );
  return family(
    'plait_scrub',
    'gauge',
    'What the last scrub told of its coverage.',
    figures.slice(0, 16).map(([name, value]) => [`figure="${name}"`, value]),
  );
}

function processLines(): string[] {
  const { rss, heapUsed } = process.memoryUsage();
  return [
    ...single('process_resident_memory_bytes', 'gauge', 'Memory of the process.', rss),
    ...single('plait_heap_bytes', 'gauge', 'JavaScript memory of the main thread.', heapUsed),
    ...single('plait_uptime_seconds', 'gauge', 'Since the process was started.', Math.round(process.uptime())),
  ];
}
