/**
 * What a store that is served wants done now and then: what uploads left behind, garbage, the log, and a part of the packs
 * read back. The same functions as the commands have; one that fails stops no other.
 */
import { PlaitError } from '../core/errors.ts';
import type { Engine } from './engine.ts';
import { gc } from './gc.ts';
import { verify } from './verify.ts';

export interface MaintainOptions {
  /** Bytes of packs to read back. */
  scrubBytes: number;
  /** Members unseen for so long are retired. */
  retireAfterMs: number;
  log(line: MaintainLine): void;
}

export interface MaintainLine {
  level: 'info' | 'warn' | 'error';
  event: string;
  [fact: string]: string | number | boolean | null | undefined;
}

export async function maintain(engine: Engine, options: MaintainOptions): Promise<void> {
  const { log } = options;
  const step = async (what: string, run: () => Promise<void> | void): Promise<void> => {
    engine.signal.throwIfAborted();
    try {
      await run();
    } catch (error) {
      // Stopped, not failed.
      engine.signal.throwIfAborted();
      const code = error instanceof PlaitError ? error.code : 'unexpected';
      // Another process does it at the moment: the next round will find out.
      log({
        level: code === 'busy' ? 'info' : 'error',
        event: `maintain-${what}-failed`,
        code,
        message: textOf(error),
      });
    }
  };
  log({ level: 'info', event: 'maintain-begins' });
  await step('quarantine', () => {
    const removed = engine.blob.cleanQuarantine();
    if (removed > 0) log({ level: 'info', event: 'maintain-quarantine', removed });
  });
  await step('gc', () => collectGarbage(engine, options));
  await step('scrub', () => scrub(engine, options));
  log({ level: 'info', event: 'maintain-ends' });
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

async function collectGarbage(engine: Engine, { retireAfterMs, log }: MaintainOptions): Promise<void> {
  const { result } = await gc(engine, { dryRun: false, force: false, rules: {}, retireAfterMs });
  const { dropped, freedBytes, bytesAfter, writesDropped } = result;
  log({ level: 'info', event: 'maintain-gc', dropped, freedBytes, bytesAfter, writesDropped });
  for (const { what, message } of result.problems)
    log({ level: 'error', event: 'maintain-gc-problem', code: what, message });
}

async function scrub(engine: Engine, { scrubBytes, log }: MaintainOptions): Promise<void> {
  const { result } = await verify(engine, { readData: true, budget: scrubBytes });
  for (const { what } of result.damage) log({ level: 'error', event: 'maintain-damage', message: what });
  log({ level: result.ok ? 'info' : 'error', event: 'maintain-scrub', ok: result.ok, damage: result.damage.length });
}
