/** `plait watch`, `hold` and `release`: what flags, configuration and engine have to do with each other. */

import type { Outcome } from '../sync/engine.ts';
import type { HoldResult } from '../sync/hold.ts';
import type { BaseCommand } from './base-command.ts';
import type { Context } from './context.ts';
import { lineOfPush } from './push-line.ts';
import { ready } from './readiness.ts';
import { watchLine } from './render/watch.ts';
import { parseDuration } from './units.ts';

export interface WatchInput {
  push?: string;
  'quiet-period'?: number;
  'max-delay'?: number;
}

export async function watchFromCli(
  command: BaseCommand,
  flags: WatchInput,
  emit: (event: object, text?: string) => Promise<void>,
): Promise<void> {
  const { context } = command;
  const engine = await context.engine();
  const { watch } = await import('../sync/watch/watch.ts');
  const options = {
    pushTo: flags.push,
    line: flags.push === undefined ? undefined : await lineOfPush(context, command),
    quietMs: flags['quiet-period'],
    maxDelayMs: flags['max-delay'],
    maxDelete: await context.maxDelete(),
    staleMs: await holdMs(context),
  };
  await watch(engine, options, async (event) => {
    await emit(event, watchLine(event));
    if (event.event === 'watching') await ready(context, `watching ${event.dir}`);
  });
}

export async function holdFromCli(context: Context): Promise<Outcome<HoldResult>> {
  const engine = await context.metaEngine();
  const { hold, HOLD_MS } = await import('../sync/hold.ts');
  return hold(engine, (await holdMs(context)) ?? HOLD_MS);
}

/** Checked when it was set. */
async function holdMs(context: Context): Promise<number | undefined> {
  const text = (await context.findConfig())?.read()['hold.expires'];
  return text === undefined ? undefined : parseDuration(text);
}
