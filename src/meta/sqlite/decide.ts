/** Decides the registers that a round touched, each once, and records what met there. Inside its write transaction. */
import { type Conflict, conflictId, kindOfConflict, orient } from '../../core/conflict.ts';
import { byStampAndId, type KnownWrite, newestCommonAncestor, type WriteLookup } from '../../core/heads.ts';
import type { StoreId, WriteId } from '../../core/ids.ts';
import { type Policy, reconcile, resolutionOf } from '../../core/reconcile.ts';
import { type Register, registerKey } from '../../core/register.ts';
import { isSettled, putConflict, recordedWrites } from './conflicts.ts';
import type { Engine } from './engine.ts';
import { type Head, unfollowedAt, writesOf } from './heads.ts';
import type { Writer } from './writer.ts';

/** A register that a round writes to. */
export interface Touched {
  register: Register;
  /** Shown before the round. */
  before: Head | undefined;
  /** Shown now. */
  shown: Head | undefined;
  /** Largest (stamp, id) that the round brought. */
  brought: KnownWrite | undefined;
  /** Resolutions among what it brought: others met here. */
  resolutions: KnownWrite[];
}

export interface Deciding {
  /** Absent: rivals are recorded, nothing is chosen; the target is the largest of the round's writes of a register. */
  policy: Policy | undefined;
  /** Is this write, of ours or of the round, in what the peer holds? Not asked without a policy. */
  peerHolds: (id: WriteId) => boolean;
  /** Who signs what is written. */
  author: StoreId;
}

export class Decider {
  /** New ones that nobody has settled. */
  readonly conflicts: Conflict[] = [];
  /** Resolutions written. */
  written = 0;
  readonly #engine: Engine;
  readonly #n: number;
  readonly #writer: Writer;
  readonly #how: Deciding;
  readonly #lookup: WriteLookup;

  constructor(engine: Engine, n: number, writer: Writer, how: Deciding) {
    this.#engine = engine;
    this.#n = n;
    this.#writer = writer;
    this.#how = how;
    this.#lookup = writesOf(engine, n);
  }

  decide(touched: Touched): void {
    if (kindOfConflict(touched.register.object) === undefined) return;
    for (const resolution of touched.resolutions) this.#recordSettled(touched, resolution);
    this.#reconcile(touched);
    this.#recordRivals(touched);
  }

  /** Into the table; told only where it is new and open. */
  record(conflict: Conflict): void {
    if (!putConflict(this.#engine, this.#n, conflict)) return;
    if (!isSettled(this.#engine, this.#n, conflict.id)) this.conflicts.push(conflict);
  }

  #reconcile(touched: Touched): void {
    const { policy, author } = this.#how;
    const { register, before } = touched;
    const current = before && this.#lookup(before.id);
    const target = policy === undefined ? touched.brought : this.#peersHead(register);
    const decision = reconcile(current, target, policy, this.#lookup);
    if (decision.decision !== 'conflict' || current === undefined || target === undefined) return;
    const { base, chosen, resolution } = decision;
    this.record(conflictOver(register, { current, target, base }, chosen));
    if (!resolution) return;
    const write = resolutionOf(registerKey(register.object, register.field), current, target, chosen, author);
    touched.shown = this.#writer.add(register, write, touched.shown);
    this.written++;
  }

  /** What the peer shows: the largest of what it holds. What follows a write is larger, so no other of them follows it. */
  #peersHead(register: Register): KnownWrite | undefined {
    let largest: KnownWrite | undefined;
    const seen = new Set<WriteId>();
    const queue = unfollowedAt(this.#engine, this.#n, register).map(({ id }) => id);
    for (let id = queue.pop(); id !== undefined; id = queue.pop()) {
      const write = seen.has(id) ? undefined : this.#lookup(id);
      seen.add(id);
      if (write === undefined) continue;
      if (write.past || !this.#how.peerHolds(id)) queue.push(...write.parents);
      else if (largest === undefined || byStampAndId(write, largest) > 0) largest = write;
    }
    return largest;
  }

  /** The store whose value lost hears of it from the resolution. */
  #recordSettled({ register, before }: Touched, { parents, value }: KnownWrite): void {
    const [a, b] = parents.map(this.#lookup);
    if (a === undefined || b === undefined || a.past || b.past || a.value === b.value) return;
    const met = this.#met(a, b, before);
    this.record(conflictOver(register, met, value === met.current.value ? 'current' : 'target'));
  }

  /** Whatever is neither shown nor followed, and in no record yet: no value may drop out of sight (I6). */
  #recordRivals({ register, before }: Touched): void {
    const [shown, ...others] = unfollowedAt(this.#engine, this.#n, register);
    const rivals = others.filter(({ value }) => value !== shown.value);
    if (rivals.length === 0) return;
    const recorded = recordedWrites(this.#engine, this.#n, register);
    const head = this.#lookup(shown.id) as KnownWrite;
    for (const { id } of rivals) {
      if (recorded.has(id)) continue;
      const met = this.#met(head, this.#lookup(id) as KnownWrite, before);
      this.record(conflictOver(register, met, met.current.id === head.id ? 'current' : 'target'));
    }
  }

  #met(a: KnownWrite, b: KnownWrite, before: Head | undefined): Met {
    return { ...orient(a, b, before?.id), base: newestCommonAncestor(a, b, this.#lookup) ?? null };
  }
}

interface Met {
  current: KnownWrite;
  target: KnownWrite;
  base: KnownWrite | null;
}

function conflictOver(
  { object, field }: Register,
  { current, target, base }: Met,
  resolution: Conflict['resolution'],
): Conflict {
  const writes = [current.id, target.id];
  return {
    id: conflictId(object, field, writes),
    // `decide` lets no other object through.
    kind: kindOfConflict(object) as Conflict['kind'],
    object,
    field,
    initial: base?.value ?? null,
    current: current.value,
    target: target.value,
    resolution,
    resolved: false,
    writes,
  };
}
