/** What `plait doctor` sees of the store, as far as this hub was given one: looked at once for all who ask within a while. */
import { MAX_DOCTOR_ROWS } from '../wire/activity-schemas.ts';
import { MAX_TEXT_CHARS } from '../wire/limits.ts';
import type { HealthView } from '../wire/views.ts';
import { Cached } from './cached.ts';
import { within } from './patience.ts';
import { textOf } from './text-of.ts';

const FRESH_MS = 30_000;
/** A disk that is away may keep it for ever. */
const PATIENCE_MS = 20_000;

type Told = NonNullable<HealthView['doctor']>;
export type DoctorRow = Told['checks'][number];
/** Looks at the store; who asks again while one look goes on may be given the same. */
export type Doctor = () => Promise<DoctorRow[]>;

export interface DoctorWatchOptions {
  look: Doctor | undefined;
  /** Milliseconds since the epoch. */
  now: () => number;
  onFailure: (message: string) => void;
  patienceMs?: number | undefined;
}

export class DoctorWatch {
  readonly #options: DoctorWatchOptions;
  readonly #cached: Cached<Told>;

  constructor(options: DoctorWatchOptions) {
    this.#options = options;
    this.#cached = new Cached(() => this.#look(), FRESH_MS, options.now);
  }

  /** null: nobody looks here. Never fails. */
  async get(): Promise<Told | null> {
    return this.#options.look === undefined ? null : this.#cached.get();
  }

  async #look(): Promise<Told> {
    const rows = await this.#rows();
    const checks = rows.slice(0, MAX_DOCTOR_ROWS).map(bounded);
    return { ok: rows.every(({ ok }) => ok), at: this.#options.now(), checks };
  }

  /** That nothing can be seen is a finding. */
  async #rows(): Promise<DoctorRow[]> {
    const { look, onFailure, patienceMs = PATIENCE_MS } = this.#options;
    try {
      return await within(patienceMs, (look as Doctor)());
    } catch (error) {
      const detail = textOf(error);
      onFailure(detail);
      return [{ name: 'doctor', ok: false, detail, hint: 'see what `plait doctor` says at the hub' }];
    }
  }
}

const cut = (text: string): string => text.slice(0, MAX_TEXT_CHARS);
/** It may name many: what is told stays within what the protocol says. */
const bounded = ({ name, ok, detail, hint }: DoctorRow): DoctorRow => ({
  name: cut(name),
  ok,
  detail: cut(detail),
  hint: hint === null ? null : cut(hint),
});
