/** Many small clients at one hub; a file of its own, as it waits for some thousand fsyncs. */
import assert from 'node:assert/strict';
import { manifest } from '../../src/blob/manifest/index.ts';
import { someTree } from '../transfer/support/history.ts';
import { Client, RealHub } from './real-hub.ts';

describe('hub: many clients', () => {
  it('serves 200 clients that push at once', async function () {
    // 4 s of work; the rest is the disk's, which a busy machine shares.
    this.timeout(120_000);
    await using real = await RealHub.start();
    const clients = Array.from({ length: 200 }, (_, n) => new Client(real.hub.url, `volset ${n}`).begin());
    const made = await Promise.all(clients.map((client, n) => client.snapshot(someTree(15, `${n}`))));
    const before = process.memoryUsage().rss;
    const moved = await Promise.all(clients.map((client, n) => client.push(made[n].id)));
    const grown = process.memoryUsage().rss - before;
    assert.deepEqual(new Set(moved), new Set([true]));
    // Hub and clients together: connections, blocks in flight.
    assert.ok(grown < 400 * 2 ** 20, `${Math.round(grown / 2 ** 20)} MiB more`);
    assert.deepEqual(real.quarantine(), []);
    for (const [n, client] of clients.entries()) {
      assert.deepEqual(await real.thread.meta.missingBlobs(client.volset, [made[n].id]), []);
      const reader = real.blob.reader(client.volset);
      for (const { kind, id } of manifest.reachable(reader, made[n].body.root))
        assert.equal(reader.has(kind, id)[0], 1);
      await client[Symbol.asyncDispose]();
    }
    for await (const damage of real.blob.verifyPacks({ readData: true })) assert.fail(damage.what);
  });
});
