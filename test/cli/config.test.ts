import assert from 'node:assert/strict';
import type { CommandClass } from '../../src/cli/base-command.ts';
import type { ConfigStore } from '../../src/cli/config-store.ts';
import { runCommand } from '../../src/cli/run-command.ts';
import ConfigGet from '../../src/commands/config/get.ts';
import ConfigList from '../../src/commands/config/list.ts';
import ConfigSet from '../../src/commands/config/set.ts';
import ConfigUnset from '../../src/commands/config/unset.ts';
import { contextWith, keptIo, memoryConfig } from './fakes.ts';

for (const [id, cls] of Object.entries({ get: ConfigGet, list: ConfigList, set: ConfigSet, unset: ConfigUnset })) {
  cls.id = `config:${id}`;
}

async function run(
  cls: CommandClass,
  argv: string[],
  config?: ConfigStore,
): Promise<{ exit: number; out: string; err: string }> {
  const io = keptIo();
  const exit = await runCommand(cls, argv, io, contextWith(config));
  return { exit, out: io.stdout.text, err: io.stderr.text };
}

describe('cli: config', () => {
  it('sets, gets, lists and unsets', async () => {
    const config = memoryConfig();
    assert.equal((await run(ConfigSet, ['lock-wait', '5s'], config)).exit, 0);
    assert.equal((await run(ConfigSet, ['creator', 'ci@build'], config)).exit, 0);
    assert.equal((await run(ConfigGet, ['lock-wait'], config)).out, '5s\n');
    assert.equal((await run(ConfigList, [], config)).out, 'creator=ci@build\nlock-wait=5s\n');
    assert.deepEqual(JSON.parse((await run(ConfigList, ['--json'], config)).out), {
      settings: { creator: 'ci@build', 'lock-wait': '5s' },
    });
    assert.equal((await run(ConfigUnset, ['lock-wait'], config)).exit, 0);
    assert.equal((await run(ConfigGet, ['lock-wait'], config)).exit, 10);
    assert.equal((await run(ConfigUnset, ['lock-wait'], config)).exit, 10);
    for (const key of ['constructor', '__proto__', 'toString']) {
      assert.equal((await run(ConfigGet, [key], config)).exit, 10);
      assert.equal((await run(ConfigUnset, [key], config)).exit, 10);
    }
  });

  const rows: [key: string, value: string, error: RegExp | undefined][] = [
    ['quiet', 'true', undefined],
    ['progress', 'json', undefined],
    ['remote.origin.enabled', 'false', undefined],
    ['hub.snapshot-bytes', '20G', undefined],
    ['hub.quarantine-bytes', '512M', undefined],
    ['hub.volset-bytes', 'lots', /not a size/],
    ['hub.uploadXbytes', '1G', /no configuration key/],
    ['hub.transfer-secret', '00', /no configuration key/],
    ['quiet', 'maybe', /bad value for --quiet in config key quiet: not a truth value/],
    ['progress', 'loud', /loud is not one of auto, plain, json, none/],
    ['lock-wait', '5', /not a duration/],
    ['remote.origin.enabled', '5', /not a truth value/],
    ['creator', 'a\nb', /not a plain line/],
    ['store', '/x', /no configuration key store/],
    ['C', '/x', /no configuration key C/],
    ['nonsense', 'x', /no configuration key nonsense/],
    ['version.nonsense', 'x', /no configuration key version\.nonsense/],
    ['../x.y', 'x', /no configuration key/],
    ['constructor.name', 'x', /no configuration key/],
  ];
  for (const [key, value, error] of rows) {
    it(`${key}=${JSON.stringify(value)} is ${error ? 'refused' : 'taken'}`, async () => {
      const config = memoryConfig();
      const { exit, err } = await run(ConfigSet, [key, value], config);
      assert.equal(exit, error ? 2 : 0, err);
      if (error) assert.match(err, error);
      assert.deepEqual(config.read(), error ? {} : { [key]: value });
    });
  }

  it('needs a store', async () => {
    const { exit, err } = await run(ConfigList, []);
    assert.equal(exit, 10);
    assert.match(err, /^error: no store here/);
  });
});
