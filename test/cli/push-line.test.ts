/** `snapshot --push` keeps to what is set for `push`: it is what cron runs, and it has no flags for the line. */
import assert from 'node:assert/strict';
import type { BaseCommand } from '../../src/cli/base-command.ts';
import type { Context } from '../../src/cli/context.ts';
import { lineOfPush } from '../../src/cli/push-line.ts';
import { memoryConfig } from './fakes.ts';

const line = (env: Record<string, string>, config?: Record<string, string>) =>
  lineOfPush(
    { io: { env }, findConfig: async () => config && memoryConfig(config) } as unknown as Context,
    {} as unknown as BaseCommand,
  );

describe('cli: the line of snapshot --push', () => {
  it('is free where nothing is set', async () => {
    assert.deepEqual(await line({}), { limits: undefined, parallel: undefined });
    assert.deepEqual(await line({}, { 'sync.limit-up': '1K', 'lock-wait': '5s' }), {
      limits: undefined,
      parallel: undefined,
    });
  });

  it('follows the configuration of push, and the environment before it', async () => {
    const config = { 'push.limit-up': '2M', 'push.limit-down': '1K', 'push.parallel': '2' };
    assert.deepEqual(await line({}, config), { limits: { up: 2 * 1024 ** 2, down: 1024 }, parallel: 2 });
    assert.deepEqual((await line({ PLAIT_PUSH_LIMIT_UP: '64K' }, config)).limits, { up: 65_536, down: 1024 });
  });

  it('names the place of a bad value', async () => {
    await assert.rejects(line({ PLAIT_PUSH_LIMIT_UP: 'fast' }), { code: 'bad-config', message: /PLAIT_PUSH_LIMIT_UP/ });
    await assert.rejects(line({}, { 'push.parallel': '99' }), { code: 'bad-config', message: /push\.parallel/ });
  });
});
