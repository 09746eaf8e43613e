import assert from 'node:assert/strict';
import { splitArgv, splitPaths, wantsJson } from '../../src/cli/argv.ts';

const words = (text: string): string[] => text.split(' ').filter((word) => word !== '');

describe('cli: global flags before the verb', () => {
  const rows: [argv: string, globals: string, rest: string][] = [
    ['', '', ''],
    ['status', '', 'status'],
    ['-C v status', '-C v', 'status'],
    ['-Cv status', '-Cv', 'status'],
    ['--store s --json status --exit-code', '--store s --json', 'status --exit-code'],
    ['--store=s --progress=json log', '--store=s --progress=json', 'log'],
    ['--lock-wait 5s push -C x', '--lock-wait 5s', 'push -C x'],
    ['--json --quiet -C a remote add n u', '--json --quiet -C a', 'remote add n u'],
    ['-C --json status', '-C --json', 'status'],
    ['--json=x status', '--json=x', 'status'],
    ['--unknown status', '', '--unknown status'],
    ['--json --unknown status', '--json', '--unknown status'],
    ['--unknown=1 status', '', '--unknown=1 status'],
    ['-- status', '', '-- status'],
    ['--json -- -C x', '--json', '-- -C x'],
    ['--help', '', '--help'],
    ['--json --version', '--json', '--version'],
    ['status -C v', '', 'status -C v'],
  ];
  for (const [argv, globals, rest] of rows) {
    it(`${argv || '(nothing)'} -> [${globals}] [${rest}]`, () => {
      assert.deepEqual(splitArgv(words(argv)), { globals: words(globals), rest: words(rest) });
    });
  }

  for (const argv of ['-C', '--json --store', '--lock-wait']) {
    it(`${argv}: a missing value is a usage error`, () => {
      assert.throws(() => splitArgv(words(argv)), { code: 'usage' });
    });
  }

  it('keeps paths after -- apart', () => {
    assert.deepEqual(splitPaths(words('main -n 5 -- a -- b')), { argv: words('main -n 5'), paths: words('a -- b') });
    assert.deepEqual(splitPaths(words('main')), { argv: ['main'], paths: [] });
    assert.deepEqual(splitPaths(['--']), { argv: [], paths: [] });
  });

  it('sees whether JSON is wanted, though not behind --', () => {
    assert.equal(wantsJson(['status', '--json'], {}), true);
    assert.equal(wantsJson(['log', '--', '--json'], {}), false);
    assert.equal(wantsJson(['log'], { PLAIT_JSON: '1' }), true);
    assert.equal(wantsJson(['log'], { PLAIT_JSON: '0' }), false);
  });
});
