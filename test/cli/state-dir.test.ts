import assert from 'node:assert/strict';
import { homedir } from 'node:os';
import { checkSetting } from '../../src/cli/config-keys.ts';
import { stateDirOf } from '../../src/cli/open-engine.ts';

describe('cli: where the state of stores is kept', () => {
  const cases: [Record<string, string>, string][] = [
    [{ XDG_STATE_HOME: '/x', HOME: '/h' }, '/x/plait/stores'],
    [{ HOME: '/h' }, '/h/.local/state/plait/stores'],
    [{ XDG_STATE_HOME: 'relative', HOME: '/h' }, '/h/.local/state/plait/stores'],
    [{ XDG_STATE_HOME: '', HOME: '' }, `${homedir()}/.local/state/plait/stores`],
  ];
  for (const [env, dir] of cases) it(`${JSON.stringify(env)}: ${dir}`, () => assert.equal(stateDirOf(env), dir));

  it('members.retire-after is a duration', async () => {
    await checkSetting('members.retire-after', '90d');
    await assert.rejects(checkSetting('members.retire-after', 'soon'), { code: 'usage' });
  });
});
