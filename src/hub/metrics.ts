import type { TransferStats } from '../wire/transfer-service.ts';

/** Counters of one hub in the Prometheus text format. Labels hold route patterns and codes, never names or ids. */
export class Metrics {
  readonly #requests = new Map<string, number>();
  readonly #errors = new Map<string, number>();
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

  render(volsets: number, transfers: TransferStats): string {
    return [
      ...family('plait_requests_total', 'counter', 'Requests answered.', this.#requests),
      ...family('plait_errors_total', 'counter', 'Errors answered, by code.', this.#errors),
      ...single('plait_received_bytes_total', 'counter', 'Bytes of request bodies.', this.bytesIn),
      ...single('plait_sent_bytes_total', 'counter', 'Bytes of answer bodies.', this.bytesOut),
      ...single('plait_volsets', 'gauge', 'Volume sets in this store.', volsets),
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
      '',
    ].join('\n');
  }
}

const add = (counts: Map<string, number>, key: string): void => void counts.set(key, (counts.get(key) ?? 0) + 1);

const head = (name: string, type: string, help: string): string[] => [
  `# HELP ${name} ${help}`,
  `# TYPE ${name} ${type}`,
];

const family = (name: string, type: string, help: string, counts: Map<string, number>): string[] => [
  ...head(name, type, help),
  ...[...counts].map(([labels, value]) => `${name}{${labels}} ${value}`),
];

const single = (name: string, type: string, help: string, value: number): string[] => [
  ...head(name, type, help),
  `${name} ${value}`,
];
