import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { splitArgv } from '../../src/cli/argv.ts';
import { type CatalogCommand, loadCatalog } from '../../src/cli/catalog.ts';

const text = readFileSync(join(import.meta.dirname, '../../docs/operations.md'), 'utf8');
const units = [...text.matchAll(/`\/etc\/systemd\/system\/(\S+)`(?:(?!```).)*?```ini\n(.*?)```/gs)].map(
  ([, name, body]): [name: string, body: string] => [name, body],
);

/** All values of a key, in the order in which they stand. */
const valuesOf = (body: string, key: string): string[] =>
  body.split('\n').flatMap((line) => (line.startsWith(`${key}=`) ? [line.slice(key.length + 1)] : []));

describe('docs: units of systemd', () => {
  let commands: CatalogCommand[];
  before(async () => {
    commands = await loadCatalog();
  });

  it('are all there', () => {
    const expected = ['follow@.service', 'hub.service', 'watch@.service', '.service.d/hardening.conf'];
    const names = units.map(([name]) => name);
    for (const name of expected) assert.ok(names.includes(`plait-${name}`), name);
  });

  for (const [name, body] of units) {
    it(`${name}: settings in sections, none twice`, () => {
      const lines = body.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
      for (const line of lines) assert.match(line, /^(\[(Unit|Service|Timer|Install)\]|[A-Z][A-Za-z]+=.*)$/);
      const keys = lines.flatMap((line) => /^[^[=]+/.exec(line)?.[0] ?? []);
      assert.deepEqual(keys, [...new Set(keys)]);
    });

    it(`${name}: starts a command that there is, with flags that it has`, () => {
      for (const line of valuesOf(body, 'ExecStart')) {
        const [program, ...argv] = line.split(' ');
        assert.equal(program, '/usr/local/bin/plait');
        const { rest } = splitArgv(argv);
        const command = commands.find((one) => one.name === rest[0]);
        assert.ok(command, line);
        const flags = command.flags.map((flag) => `--${flag.name}`);
        for (const word of rest) if (word.startsWith('--')) assert.ok(flags.includes(word), `${word} in ${line}`);
      }
    });

    it(`${name}: what says when it is ready is heard, and what no second try mends is not tried again`, () => {
      if (!valuesOf(body, 'Type').includes('notify')) return;
      assert.deepEqual(valuesOf(body, 'NotifyAccess'), ['all']);
      assert.deepEqual(valuesOf(body, 'Restart'), ['on-failure']);
      assert.deepEqual(valuesOf(body, 'RestartPreventExitStatus'), ['2 12 14 16 17']);
    });
  }
});
