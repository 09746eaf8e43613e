import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { atHub, followMany } from './feed-load.ts';
import { Beside } from './feed-support.ts';
import { peerOf } from './support.ts';

const KB = 1024;

describe('hub: many followers', () => {
  it('one change reaches all of a hundred, and none of them costs much', async () => {
    const { each } = await followMany(100, 3);
    assert.ok(each < 100 * KB, `${Math.round(each / KB)} KB for each`);
  });

  it('readers that never read cost it no more than what is on its way to them', async () => {
    await atHub(async ({ url, dir, held }) => {
      using beside = new Beside({ dir }).begin();
      for (let n = 0; n < 24; n++) beside.fill(1_000_000, `fill${n}.`);
      await using peer = peerOf(url);
      // As warm as it gets: all of the log has been read once.
      await using warm = await peer.changes(beside.volset, { after: 0 });
      for await (const item of warm.items) if ('mark' in item) break;
      const before = await held();
      const readers = 20;
      const { hostname, port } = new URL(url);
      const sockets = Array.from({ length: readers }, (): Socket => {
        const socket = connect(Number(port), hostname).on('error', () => {});
        socket.write(`GET /v1/volsets/${beside.volset}/changes?after=0 HTTP/1.1\r\nHost: localhost\r\n\r\n`);
        return socket;
      });
      await settled(
        async () => /^plait_changes_sent_total \d+$/m.exec(await (await fetch(`${url}/metrics`)).text())?.[0],
      );
      // A piece of the log and what waits before its socket for each, and the pages that are kept for all.
      const grown = (await held()) - before;
      assert.ok(grown < readers * 300 * KB + 20_000 * KB, `${Math.round(grown / KB)} KB more`);
      for (const socket of sockets) socket.destroy();
    });
  });
});

/** Until it has said the same thing several times in a row. */
async function settled(look: () => Promise<string | undefined>): Promise<void> {
  for (let same = 0, last: string | undefined; same < 20; ) {
    const now = await look();
    same = now === last ? same + 1 : 0;
    last = now;
  }
}
