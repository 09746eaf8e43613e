import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { peerOf, rejectsWith, startHub } from '../hub/support.ts';

const pem = (name: string): string => readFileSync(new URL(`tls/${name}.pem`, import.meta.url), 'utf8');
const tls = (cert: string, key = cert) => ({ cert: pem(cert), key: pem(`${key}.key`) });

describe('client and hub: TLS', () => {
  it('a certificate that nobody vouches for is refused, without retries; its own authority helps', async () => {
    await using test = await startHub({ tls: tls('localhost') });
    assert.match(test.url, /^https:/);
    let waits = 0;
    const fetchOptions = { retries: 3, sleep: async () => void waits++ };
    await using stranger = peerOf(test.url, { fetchOptions });
    await assert.rejects(stranger.listVolsets(), rejectsWith('network', /not trusted/));
    assert.equal(waits, 0);
    await using peer = peerOf(test.url, { ca: pem('localhost') });
    assert.deepEqual(await peer.listVolsets(), []);
  });

  it("a certificate for another host, or one that has expired, is refused even from one's own authority", async () => {
    await using elsewhere = await startHub({ tls: tls('elsewhere') });
    await using one = peerOf(elsewhere.url, { ca: pem('elsewhere') });
    await assert.rejects(one.listVolsets(), rejectsWith('network', /for another host/));
    await using expired = await startHub({ tls: tls('expired', 'localhost') });
    await using two = peerOf(expired.url, { ca: pem('expired') });
    await assert.rejects(two.listVolsets(), rejectsWith('network', /expired/));
  });

  it('plain HTTP to a TLS port and TLS to a plain port say so', async () => {
    await using secure = await startHub({ tls: tls('localhost') });
    await using plain = await startHub();
    await using one = peerOf(secure.url.replace('https:', 'http:'));
    await assert.rejects(
      one.listVolsets(),
      (error: { code?: string }) => error.code === 'protocol' || error.code === 'network',
    );
    await using two = peerOf(plain.url.replace('http:', 'https:'));
    await assert.rejects(two.listVolsets(), rejectsWith('protocol', /no TLS/));
  });
});
