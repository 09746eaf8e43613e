import assert from 'node:assert/strict';
import { cacheFolder, isRecentEnough, planLaunch, refusal } from '../../bin/launch.js';

describe('bin: which Node', () => {
  const rows: [version: string, fine: boolean][] = [
    ['v24.6.0', true],
    ['v24.12.1', true],
    ['v26.10.0', true],
    ['v100.0.0', true],
    ['v24.5.9', false],
    ['v24.0.0', false],
    ['v22.20.0', false],
    ['v20.20.2', false],
    ['v8.1.0', false],
    ['v25.0.0-nightly', true],
    ['nonsense', false],
    ['', false],
  ];
  for (const [version, fine] of rows) {
    it(`${version || '(none)'} is ${fine ? 'recent enough' : 'too old'}`, () =>
      assert.equal(isRecentEnough(version), fine));
  }

  it('runs, starts again with its own Node, or refuses', () => {
    assert.equal(planLaunch('v24.6.0', '/usr/bin/node', '/p/node', false), 'run');
    assert.equal(planLaunch('v24.6.0', '/usr/bin/node', '/p/node', true), 'run');
    assert.equal(planLaunch('v20.0.0', '/usr/bin/node', '/p/node', true), 'relaunch');
    assert.equal(planLaunch('v20.0.0', '/usr/bin/node', '/p/node', false), 'refuse');
    assert.equal(planLaunch('v20.0.0', '/p/node', '/p/node', true), 'refuse');
  });

  it('says in one line which Node is needed', () => {
    assert.match(refusal('v20.1.0'), /^plait needs Node 24\.6 or newer, this is v20\.1\.0: [^\n]+$/);
  });

  it('caches compiled code below the user only', () => {
    assert.equal(cacheFolder({ HOME: '/h' }), '/h/.cache/plait/compile');
    assert.equal(cacheFolder({ HOME: '/h', XDG_CACHE_HOME: '/x' }), '/x/plait/compile');
    assert.equal(cacheFolder({ NODE_COMPILE_CACHE: '/n', HOME: '/h' }), '/n');
    assert.equal(cacheFolder({}), undefined);
  });
});
