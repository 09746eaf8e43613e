/**
 * One volset as people see it, kept up to date from the changes of the store (core/watermark). Most only move a branch;
 * where a change may touch a name or what is deleted, what is shown follows from more than that change, and the view is
 * read again.
 */
import type { BranchId, SnapshotId, StoreId } from '../../core/ids.ts';
import type { Change, PeerVolset } from '../../core/peer.ts';
import type { LoggedRecord, Stamp } from '../../core/records.ts';
import { WatermarkTracker } from '../../core/watermark.ts';
import type { BranchView, ChangesPage, VolsetView as VolsetRow } from '../../meta/contract.ts';

export interface VolsetName {
  name: string | null;
  named: Stamp;
}

interface BranchTip {
  name: string;
  tip: SnapshotId | null;
}

type Shown = { volset: VolsetName } | { branch: BranchTip };
type Branches = PeerVolset['branches'];

const VOLSET = '/volset';
const BRANCHES = '/branch';

export class VolsetView {
  readonly #store: StoreId;
  readonly #tracker = new WatermarkTracker<Shown>({ same });
  #text: string | undefined;
  #whole = false;

  constructor(store: StoreId) {
    this.#store = store;
  }

  /** The store's, as of which this is; undefined: of none. */
  get revision(): number | undefined {
    return this.#tracker.revision;
  }

  /** Branches are known too. */
  get whole(): boolean {
    return this.#whole;
  }

  get size(): number {
    return this.#tracker.size;
  }

  /** undefined: deleted. The same object as long as nothing of it changes. */
  get named(): VolsetName | undefined {
    const shown = this.#tracker.get(VOLSET);
    return shown && 'volset' in shown ? shown.volset : undefined;
  }

  /** Its branches by name, as JSON: written once, told as often as it is asked for. */
  get branches(): string {
    this.#text ??= JSON.stringify(this.#listed());
    return this.#text;
  }

  /** A first look that tells the name alone; read at that revision or later. */
  takeName(revision: number, row: VolsetRow | undefined): void {
    this.#take(revision, row ? [nameOf(row)] : []);
  }

  take({ revision, view, branches }: { revision: number; view: VolsetRow | null; branches: BranchView[] }): void {
    this.#take(revision, view === null ? [] : [nameOf(view), ...branches.map(tipOf)]);
    this.#whole = true;
  }

  /** All that came behind our revision. False: it has to be read again. */
  follow({ changes, mark }: ChangesPage): boolean {
    if (!mark || changes.some(touchesNames)) return false;
    for (const change of changes) this.#apply(change);
    this.#tracker.feed(mark.revision, []);
    return true;
  }

  #apply(change: Change): void {
    if (!('ref' in change)) return;
    const { branch, snapshot: tip } = change.ref;
    const key = `${BRANCHES}/${branch}`;
    const shown = this.#tracker.get(key);
    // Branches without a name here are not shown.
    const changes = shown && 'branch' in shown ? [{ key, value: { branch: { name: shown.branch.name, tip } } }] : [];
    if (this.#tracker.feed(change.revision, changes).length > 0) this.#text = undefined;
  }

  #take(revision: number, items: [string, Shown][]): void {
    this.#tracker.opened({ store: this.#store, after: revision, head: revision });
    this.#tracker.begin(this.#store, revision);
    for (const [key, shown] of items) this.#tracker.item(key, shown);
    this.#tracker.end(items.length);
    this.#text = undefined;
  }

  #listed(): Branches {
    const branches: Branches = [];
    for (const [key, shown] of this.#tracker.view(BRANCHES))
      if ('branch' in shown) branches.push({ id: key.slice(BRANCHES.length + 1) as BranchId, ...shown.branch });
    return branches.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  }
}

const nameOf = ({ name, named }: VolsetRow): [string, Shown] => [VOLSET, { volset: { name, named } }];
const tipOf = ({ id, name, tip }: BranchView): [string, Shown] => [`${BRANCHES}/${id}`, { branch: { name, tip } }];

function same(a: Shown, b: Shown): boolean {
  if ('volset' in a) return 'volset' in b && a.volset.name === b.volset.name && a.volset.named === b.volset.named;
  return 'branch' in b && a.branch.name === b.branch.name && a.branch.tip === b.branch.tip;
}

const touchesNames = (change: Change): boolean => 'generation' in change && change.generation.records.some(touches);

/** Anything but a snapshot and what is said about one. */
function touches(record: LoggedRecord): boolean {
  if (record.type === 'snapshot') return false;
  if (record.type === 'write') return !record.register.startsWith('snapshot:');
  return record.type !== 'tombstone' || !record.object.startsWith('snapshot:');
}
