import assert from 'node:assert/strict';
import { Metrics } from '../../src/hub/metrics.ts';
import type { Call, HubContext } from '../../src/hub/routes/route.ts';
import { transferRoutes } from '../../src/hub/routes/transfers.ts';

describe('hub: downloads in progress', () => {
  it('are counted while they are read, and not when nobody begins to or somebody stops', async () => {
    const metrics = new Metrics();
    const transfer = {
      async *send() {
        for (let n = 0; n < 3; n++) yield Uint8Array.of(n);
      },
    };
    const route = transferRoutes.find(({ method, path }) => method === 'GET' && path === '/v1/transfers/:upload');
    const begin = async () => {
      const call = { claims: {}, query: {}, signal: new AbortController().signal } as unknown as Call;
      return (await route?.handle({ transfer, metrics } as unknown as HubContext, call)) as AsyncGenerator<Uint8Array>;
    };
    const [gone, cut, read] = await Promise.all([begin(), begin(), begin()]);
    await gone.return(undefined);
    await cut.next();
    await read.next();
    assert.equal(metrics.downloads, 2);
    await cut.return(undefined);
    assert.equal(metrics.downloads, 1);
    assert.equal((await Array.fromAsync(read)).length, 2);
    assert.equal(metrics.downloads, 0);
  });
});
