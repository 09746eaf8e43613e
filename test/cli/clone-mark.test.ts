import assert from 'node:assert/strict';
import { withContinuation } from '../../src/cli/clone-mark.ts';
import { PlaitError } from '../../src/core/errors.ts';

describe('cli: a clone that fails', () => {
  it('says that it goes on, where another try may help', () => {
    const error = withContinuation(new PlaitError('network', 'cut', { hint: 'check the URL', data: { url: 'u' } }));
    assert.ok(error instanceof PlaitError);
    assert.deepEqual([error.code, error.message, error.data], ['network', 'cut', { url: 'u' }]);
    assert.match(error.hint ?? '', /^check the URL; .*the same `plait clone` again goes on/);
  });

  it('leaves any other failure as it is', () => {
    for (const error of [new PlaitError('integrity', 'damaged'), new Error('a bug')]) {
      assert.equal(withContinuation(error), error);
    }
  });
});
