/**
 * One volset, live: its state (`/view`) and its feed (`/changes`) merged by watermarks (core/watermark). Tips move by the
 * feed alone, at once; names, what is deleted and sums follow from more than what the feed tells, so the state is read again
 * after each change, for all who show a part of it.
 */
import { jittered } from '../../core/back-off.ts';
import type { PlaitError } from '../../core/errors.ts';
import type { StoreId } from '../../core/ids.ts';
import type { LoggedRecord, Ref } from '../../core/records.ts';
import { WatermarkTracker } from '../../core/watermark.ts';
import type { VolsetDetails } from '../../wire/views.ts';
import { type Api, storeOf } from '../api.ts';
import { Feed } from './feed.ts';
import { pause } from './pause.ts';
import { throttled } from './throttled.ts';

/** `/volset` holds the state without its branches, `/branch/ID` each of them. */
type Shown = { volset: VolsetDetails } | { branch: ShownBranch };
export interface ShownBranch {
  id: string;
  name: string;
  tip: string | null;
}

interface OpenGeneration {
  left: number;
  revision: number;
  touches: boolean;
}

const VOLSET = '/volset';
const BRANCH = '/branch/';
/** Between tries to read the state that failed. */
const BOUNDS = { firstMs: 500, longestMs: 10_000 };

export class VolsetLive extends Feed {
  readonly volset: string;
  readonly #api: Api;
  readonly #listeners = new Set<() => void>();
  readonly #readers = new Set<(details: VolsetDetails) => void>();
  #tracker = newTracker();
  /** Records that are still to come of the generation that was begun, and its revision. */
  #open: OpenGeneration | undefined;
  readonly #ask = throttled(() => this.#readState(), this.signal);
  /** The state is to be read, whatever kept it from that. */
  #wanted = false;
  /** What came may have changed names: whoever listens is told once more when they are here. */
  #renamed = false;
  #failures = 0;
  /** Who feeds us, and whose revisions the tracker has. */
  #feeding: StoreId | undefined;
  #store: StoreId | undefined;
  #first = Promise.withResolvers<VolsetDetails>();
  /** Shown until a state of the store that answers now is there. */
  #last: VolsetDetails | undefined;

  constructor(api: Api, volset: string, signal: AbortSignal) {
    super(signal);
    this.#api = api;
    this.volset = volset;
    this.#first.promise.catch(() => {});
    // Who waits for it must not wait for ever.
    signal.addEventListener('abort', () => this.#first.reject(signal.reason), { once: true });
  }

  /** Resolves with the first whole state; rejects with what kept it from being read at all. */
  ready(): Promise<VolsetDetails> {
    return this.#first.promise;
  }

  /** As of `revision`, or the last that was whole; undefined until the first state came. */
  get details(): VolsetDetails | undefined {
    const shown = this.#tracker.get(VOLSET);
    return shown && 'volset' in shown ? shown.volset : this.#last;
  }

  get revision(): number | undefined {
    return this.#tracker.revision;
  }

  /** By name. */
  get branches(): ShownBranch[] {
    const known = [...this.#tracker.view('/branch')].flatMap(([, shown]) => ('branch' in shown ? [shown.branch] : []));
    const all = this.#tracker.get(VOLSET) ? known : [...(this.#last?.branchList ?? [])];
    return all.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  }

  /** Called when the view, or anything of the volset, may have changed: what is shown beyond it is to be read again. */
  onChange(listener: () => void, signal: AbortSignal): void {
    this.#listeners.add(listener);
    signal.addEventListener('abort', () => this.#listeners.delete(listener), { once: true });
  }

  /** Called with each state that is read: sums, members and followers, of which no feed tells. */
  onDetails(listener: (details: VolsetDetails) => void, signal: AbortSignal): void {
    this.#readers.add(listener);
    signal.addEventListener('abort', () => this.#readers.delete(listener), { once: true });
  }

  /** Reads the state again, soon. */
  refresh(): void {
    this.#read();
  }

  protected override async open(signal: AbortSignal): Promise<Response> {
    const after = this.#tracker.resumeAt;
    const query = after === undefined ? {} : { after, store: this.#store };
    this.#open = undefined;
    const response = await this.#api.open(`/v1/volsets/${this.volset}/changes`, { query, signal });
    this.#feeding = storeOf(response);
    return response;
  }

  protected override lost({ code, message }: PlaitError): void {
    this.#tracker.lost();
    // Our place in it is none any more; or another store answers. What is shown stays until the new state is there.
    if (code === 'compacted' || code === 'ahead' || code === 'identity' || code === 'rollback') this.#beginAnew();
    if (code === 'not-found' || code === 'forbidden' || code === 'unauthorized')
      this.#fail({ code, message } as PlaitError);
  }

  protected override take(line: Record<string, unknown>): void {
    if (this.#open !== undefined) this.#record(line as unknown as LoggedRecord);
    else if ('feed' in line) this.#opened(line.feed as { after: number; head: number });
    else if ('generation' in line) this.#generation(line.generation as { revision: number; count: number });
    else if ('refs' in line) this.#refs(line.refs as Ref[]);
    else if ('mark' in line) this.#fed((line.mark as { revision: number }).revision, []);
  }

  #opened({ after, head }: { after: number; head: number }): void {
    this.#store = this.#feeding as StoreId;
    this.#tracker.opened({ store: this.#store, after, head });
    this.#tellStatus();
    if (this.#tracker.needed !== undefined || this.#wanted) this.#read();
  }

  #generation({ revision, count }: { revision: number; count: number }): void {
    this.#open = { left: count, revision, touches: false };
    if (count === 0) this.#closed();
  }

  #record(record: LoggedRecord): void {
    const open = this.#open as OpenGeneration;
    open.touches ||= record.type !== 'snapshot';
    if (--open.left === 0) this.#closed();
  }

  #closed(): void {
    const { revision, touches } = this.#open as OpenGeneration;
    this.#open = undefined;
    this.#fed(revision, []);
    this.#renamed ||= touches;
    this.#read();
    this.#changed();
  }

  #refs(refs: Ref[]): void {
    for (const { branch, snapshot: tip, revision } of refs) {
      const key = `${BRANCH}${branch}`;
      const shown = this.#tracker.get(key);
      if (shown && 'branch' in shown) this.#fed(revision, [{ key, value: { branch: { ...shown.branch, tip } } }]);
      else {
        this.#fed(revision, []);
        // A branch whose name came with it, or comes.
        this.#renamed = true;
      }
    }
    this.#read();
    this.#changed();
  }

  #fed(revision: number, changes: { key: string; value: Shown }[]): void {
    this.#tracker.feed(revision, changes);
    this.#tellStatus();
  }

  #tellStatus(): void {
    this.tell(this.#tracker.status);
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }

  /** One at a time, and twice a second at most: a hub whose state lags behind its feed is not asked without end. */
  #read(): void {
    this.#wanted = true;
    this.#ask();
  }

  async #readState(): Promise<void> {
    // Without a feed nobody could say what comes after it; the next one asks again.
    if (this.#tracker.status.status === 'waiting') return;
    this.#wanted = false;
    try {
      const response = await this.#api.open(`/v1/volsets/${this.volset}/view`, { signal: this.signal });
      this.#take(storeOf(response), (await response.json()) as VolsetDetails);
      this.#failures = 0;
    } catch (error) {
      if (this.signal.aborted) return;
      this.#fail(error as PlaitError);
      this.#wanted = true;
      await pause(jittered(this.#failures++, Math.random, BOUNDS), this.signal);
      this.#ask();
    }
  }

  #take(store: StoreId, state: VolsetDetails): void {
    if (this.#tracker.begin(store, state.revision) === 'stale') {
      this.#read();
      return;
    }
    const items: [string, Shown][] = [
      [VOLSET, { volset: state }],
      ...state.branchList.map((branch): [string, Shown] => [`${BRANCH}${branch.id}`, { branch }]),
    ];
    const events = items.flatMap(([key, shown]) => this.#tracker.item(key, shown));
    const ended = this.#tracker.end(items.length);
    if (ended.again) this.#read();
    this.#tellStatus();
    const isNew = [...events, ...ended.events].some(({ key }) => key !== VOLSET) || this.#renamed || !this.#last;
    this.#renamed = false;
    this.#last = state;
    this.#first.resolve(state);
    for (const listener of this.#readers) listener(state);
    if (isNew) this.#changed();
  }

  #beginAnew(): void {
    this.#tracker = newTracker();
    this.#store = undefined;
  }

  /** Later failures show in the status. */
  #fail(error: PlaitError): void {
    if (this.#last === undefined) this.#first.reject(error);
  }
}

const newTracker = (): WatermarkTracker<Shown> => new WatermarkTracker<Shown>({ same });

const same = (a: Shown, b: Shown): boolean => JSON.stringify(a) === JSON.stringify(b);
