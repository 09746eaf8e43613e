/** Whether this hub can do its work: asked by load balancers and supervisors, answered to anybody, so it tells no more. */
import type { TransferService } from '../wire/transfer-service.ts';
import { Cached } from './cached.ts';
import type { HubMeta } from './contract.ts';
import { within } from './patience.ts';
import { textOf } from './text-of.ts';

const FRESH_MS = 5000;
const PATIENCE_MS = 5000;
const PROBE = 'hub.probe';

export interface HealthOptions {
  meta: HubMeta;
  transfer: TransferService;
  /** Nothing is written then. */
  readOnly: boolean;
  /** Bytes that must be free. */
  minFree: number;
  /** What is wrong with the audit log. */
  auditFault: () => string | undefined;
  now: () => number;
  /** Why, for the log: the answer names the check alone. */
  onFailure: (check: string, message: string) => void;
}

export interface Health {
  ok: boolean;
  /** By name: true where it went well. */
  checks: Record<string, boolean>;
}

export class HealthWatch {
  #stopping = false;
  readonly #cached: Cached<Health>;
  readonly #options: HealthOptions;

  constructor(options: HealthOptions) {
    this.#options = options;
    this.#cached = new Cached(() => this.#look(), FRESH_MS, options.now);
  }

  /** Who is sent elsewhere now need not be refused later. */
  stop(): void {
    this.#stopping = true;
  }

  async get(): Promise<Health> {
    if (this.#stopping) return { ok: false, checks: { serving: false } };
    return this.#cached.get();
  }

  async #look(): Promise<Health> {
    const { meta, transfer, readOnly, minFree, auditFault, now } = this.#options;
    const checks: Record<string, boolean> = { serving: true };
    const check = async (name: string, work: () => Promise<unknown>): Promise<void> => {
      checks[name] = await this.#passes(name, work);
    };
    await Promise.all([
      check('meta-read', () => meta.listTokens()),
      readOnly ? undefined : check('meta-write', () => meta.putSetting(PROBE, String(now()))),
      transfer.space &&
        check('data', async () => {
          const { freeBytes } = (await transfer.space?.([])) ?? { freeBytes: Number.POSITIVE_INFINITY };
          checks.space = await this.#passes('space', async () => {
            if (freeBytes < minFree) throw new Error(`${freeBytes} bytes are free, hub.min-free is ${minFree}`);
          });
        }),
      check('audit', async () => {
        const fault = auditFault();
        if (fault !== undefined) throw new Error(fault);
      }),
    ]);
    return { ok: Object.values(checks).every((good) => good), checks };
  }

  async #passes(name: string, work: () => Promise<unknown>): Promise<boolean> {
    try {
      await within(PATIENCE_MS, work());
      return true;
    } catch (error) {
      this.#options.onFailure(name, textOf(error));
      return false;
    }
  }
}
