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
  /** Of what it brought those that follow several: others met here. */
  joins: KnownWrite[];
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
    for (const join of touched.joins) this.#recordJoined(touched, join);
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
    // Who follows ours has seen it: it is no side any more, and what else the peer holds met over there.
    if (before && !unfollowedAt(this.#engine, this.#n, register).some(({ id }) => id === before.id)) return;
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

  /** The store whose value lost hears of it from the resolution, or from an edit by somebody who saw another one shown. */
  #recordJoined(touched: Touched, join: KnownWrite): void {
    const [shown, ...others] = this.#sidesOf(join);
    if (shown === undefined || shown.past) return;
    const rivals = others.filter(({ value, past }) => !past && value !== shown.value);
    const recorded = join.resolution ? new Set() : recordedWrites(this.#engine, this.#n, touched.register);
    for (const rival of rivals) {
      if (recorded.has(rival.id)) continue;
      const met = this.#met(shown, rival, touched.before);
      const stood = join.resolution ? join.value : shown.value;
      this.record(conflictOver(touched.register, met, stood === met.current.value ? 'current' : 'target'));
    }
  }

  /** What it follows, largest first: the first one is what its author saw shown. */
  #sidesOf({ parents, value, resolution }: KnownWrite): KnownWrite[] {
    const sides = parents.map(this.#lookup).filter((side) => side !== undefined);
    // A resolution has the value of one of two: if not of the one that is here in full, of the one that was dropped.
    const whole = resolution && sides.find(({ past }) => !past);
    const told = sides.map((side): KnownWrite => {
      if (!side.past || whole === undefined || whole.value === value) return side;
      const { past: _, ...rest } = side;
      return { ...rest, value };
    });
    return told.sort((a, b) => byStampAndId(b, a));
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
