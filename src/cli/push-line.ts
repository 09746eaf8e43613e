/** How much of the line `snapshot --push` may use: what is set for `push`, as it has no flags of its own for that. */
import type { Command } from '@oclif/core/command';
import type { LineUse } from '../sync/replicate-options.ts';
import type { BaseCommand } from './base-command.ts';
import type { Context } from './context.ts';
import { limitsOf, replicateFlags } from './selection-flags.ts';
import { configSource, convert, envSource } from './settings.ts';

const LINE_FLAGS = ['limit-up', 'limit-down', 'parallel'] as const;

export async function lineOfPush(context: Context, command: BaseCommand): Promise<LineUse> {
  const config = await context.findConfig();
  const sources = [envSource(context.io.env), config && configSource(config.read(), config.origin)];
  const values: Partial<Record<(typeof LINE_FLAGS)[number], number>> = {};
  for (const flag of LINE_FLAGS) {
    const found = sources.map((source) => source?.('push', flag)).find((one) => one !== undefined);
    if (found === undefined) continue;
    values[flag] = (await convert(flag, replicateFlags[flag] as Command.Flag, found, command)) as number;
  }
  return { limits: limitsOf(values), parallel: values.parallel };
}
