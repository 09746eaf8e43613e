import assert from 'node:assert/strict';
import { linesOf } from '../../src/cli/command-result.ts';
import { paintFor } from '../../src/cli/paint.ts';
import { keptIo } from './fakes.ts';

describe('paint', () => {
  it('colours text for a terminal', async () => {
    const paint = await paintFor(keptIo({}, true).stdout, {});
    assert.equal(paint.bad('D'), '\u001b[31mD\u001b[39m');
  });

  for (const [what, env, isTTY] of [
    ['a pipe', {}, false],
    ['NO_COLOR', { NO_COLOR: '1' }, true],
    ['a dumb terminal', { TERM: 'dumb' }, true],
  ] as const) {
    it(`leaves text alone for ${what}`, async () => {
      const paint = await paintFor(keptIo({}, isTTY).stdout, env);
      assert.deepEqual([...(linesOf({ result: {}, text: (p) => [p.bad('D')] }, paint) as Iterable<string>)], ['D']);
    });
  }
});
