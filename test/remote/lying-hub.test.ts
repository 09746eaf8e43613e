import assert from 'node:assert/strict';
import { PlaitError } from '../../src/core/errors.ts';
import type { StoreId, VolsetId } from '../../src/core/ids.ts';
import type { Transfer } from '../../src/core/peer.ts';
import { peerOf, rejectsWith, SELF } from '../hub/support.ts';
import { NAMED, STORE, saying, startLiar } from './liar.ts';

const JSON_HEADERS = { ...NAMED, 'content-type': 'application/json' };
const NDJSON_HEADERS = { ...NAMED, 'content-type': 'application/x-ndjson' };
const VOLSET = 'a1'.repeat(16) as VolsetId;
const ASK = { self: SELF, vector: {}, knownRevision: 0 };
const TOKEN = `plait_${'0'.repeat(12)}_${'s'.repeat(43)}`;
const transfer = (url: string): Transfer => ({ url, token: 'x.y', expiresAt: 0 });
const GOOD_PATH = `/v1/transfers/${'0'.repeat(32)}`;

describe('client: a hub that lies', () => {
  const rows: [string, number, Record<string, string>, string, string, RegExp][] = [
    ['another service', 200, { 'content-type': 'text/html' }, '<html>', 'protocol', /no plait hub.*text\/html/],
    ['another service, 404', 404, { 'content-type': 'text/html' }, '<html>', 'protocol', /HTTP 404/],
    ['a proxy without its hub', 502, { 'content-type': 'text/html' }, '', 'network', /HTTP 502/],
    [
      'an identity that is none',
      200,
      { ...JSON_HEADERS, 'plait-store': 'me' },
      '{"volsets":[]}',
      'protocol',
      /names no store/,
    ],
    [
      'another protocol',
      200,
      { ...JSON_HEADERS, 'plait-protocol': '9' },
      '{"volsets":[]}',
      'protocol',
      /another version/,
    ],
    ['HTML under its name', 200, { ...NAMED, 'content-type': 'text/html' }, '<html>', 'protocol', /text\/html/],
    ['no JSON', 200, JSON_HEADERS, 'nonsense', 'protocol', /not JSON/],
    ['other JSON', 200, JSON_HEADERS, '{"volsets":[{"id":"../.."}]}', 'protocol', /list of volsets/],
    ['a polluting member', 200, JSON_HEADERS, '{"volsets":[],"__proto__":{"a":1}}', 'protocol', /list of volsets/],
    ['an error without a body', 500, JSON_HEADERS, '', 'protocol', /HTTP 500/],
    [
      'an unknown error',
      418,
      JSON_HEADERS,
      '{"error":{"code":"teapot","message":"short"}}',
      'unexpected',
      /^remote: short$/,
    ],
    ['success as an error', 400, JSON_HEADERS, '{"error":{"code":"differences","message":"x"}}', 'unexpected', /./],
  ];
  for (const [what, status, headers, body, code, message] of rows) {
    it(`${what}: ${code}`, async () => {
      await using liar = await startLiar(saying(status, headers, body));
      await using peer = peerOf(liar.url);
      await assert.rejects(peer.listVolsets(), rejectsWith(code, message));
    });
  }

  it('cannot rewrite the terminal or pollute prototypes by its error', async () => {
    const error = { code: 'forbidden', message: 'no\u001b[2J\u202e', hint: 'a\nb', data: { x: 1 } };
    const text = JSON.stringify({ error }).replace('"x":1', '"x":1,"__proto__":{"evil":1}');
    await using liar = await startLiar(saying(403, JSON_HEADERS, text));
    await using peer = peerOf(liar.url);
    const thrown = await peer.listVolsets().catch((e: unknown) => e);
    assert.ok(thrown instanceof PlaitError);
    assert.equal(thrown.message, 'remote: "no\\u001b[2J\\u202e"');
    assert.equal(thrown.hint, 'remote: "a\\nb"');
    assert.deepEqual(thrown.data, { x: 1 });
    assert.equal((thrown.data as Record<string, unknown>).evil, undefined);
  });

  it('redirects are not followed, and take no token along', async () => {
    await using target = await startLiar(saying(200, JSON_HEADERS, '{"volsets":[]}'));
    for (const status of [301, 302, 307, 308]) {
      await using liar = await startLiar(saying(status, { ...JSON_HEADERS, location: `${target.url}/v1/volsets` }));
      await using peer = peerOf(liar.url, { token: TOKEN });
      await assert.rejects(peer.listVolsets(), rejectsWith('protocol', /redirect/));
    }
    assert.equal(target.requests.length, 0);
  });

  it('transfers elsewhere are not followed', async () => {
    await using target = await startLiar(saying(200, { ...NAMED, 'content-type': 'application/x-tar' }, 'data'));
    await using liar = await startLiar(saying(200, JSON_HEADERS, '{"volsets":[]}'));
    await using peer = peerOf(liar.url, { token: TOKEN });
    const urls = [
      target.url + GOOD_PATH,
      `//${new URL(target.url).host}${GOOD_PATH}`,
      liar.url.replace('http:', 'https:') + GOOD_PATH,
      '/v1/volsets',
      '/v1/transfers/../volsets',
      `${GOOD_PATH}?x=1`,
      `http://user:pass@${new URL(target.url).host}${GOOD_PATH}`,
      'file:///etc/passwd',
      '',
    ];
    for (const url of urls) {
      await assert.rejects(async () => peer.download(transfer(url)), rejectsWith('protocol', /elsewhere/), url);
    }
    assert.equal(target.requests.length + liar.requests.length, 0);
  });

  it('an answer that is too long is not read to its end', async () => {
    let sent = 0;
    await using liar = await startLiar((_request, response) => {
      response.writeHead(200, JSON_HEADERS);
      const more = (error?: Error | null) => {
        if (error || response.destroyed) return;
        sent += 1 << 20;
        response.write(Buffer.alloc(1 << 20, 32), more);
      };
      more();
    });
    await using peer = peerOf(liar.url);
    await assert.rejects(peer.listVolsets(), rejectsWith('protocol', /longer than/));
    assert.ok(sent < 40 << 20);
  });

  it('have answers must fit the question', async () => {
    for (const bytes of [Buffer.alloc(0), Buffer.alloc(3), Buffer.from([1, 2])]) {
      await using liar = await startLiar(saying(200, { ...NAMED, 'content-type': 'application/octet-stream' }, bytes));
      await using peer = peerOf(liar.url);
      await assert.rejects(
        peer.have(VOLSET, transfer(GOOD_PATH), 0, Buffer.alloc(64)),
        rejectsWith('protocol', /have/),
      );
    }
  });

  it('answers to an offer must be about what was offered', async () => {
    const answers = [{ id: 'b'.repeat(64), answer: 'absent' }];
    await using liar = await startLiar(saying(200, JSON_HEADERS, JSON.stringify({ answers })));
    await using peer = peerOf(liar.url);
    await assert.rejects(
      peer.request(VOLSET, [{ id: 'a'.repeat(64) as never, baseCandidates: [] }]),
      rejectsWith('protocol'),
    );
    await assert.rejects(
      peer.request(
        VOLSET,
        [...'ab'].map((c) => ({ id: c.repeat(64) as never, baseCandidates: [] })),
      ),
      rejectsWith('protocol'),
    );
  });

  it('a deltas stream that is cut, nonsense or doctored is never taken for whole', async () => {
    const head = '{"deltas":{"protocol":1,"refs":0}}\n';
    const trailer = (generations: number) =>
      `{"trailer":{"vector":{},"revision":0,"generations":${generations},"digest":"${'0'.repeat(64)}"}}\n`;
    const rows: [string, string][] = [
      ['', 'network'],
      [head, 'network'],
      [head + trailer(0).slice(0, 40), 'network'],
      [head + trailer(0), 'protocol'],
      ['<html>\n', 'protocol'],
      [`${head}[]\n`, 'protocol'],
      [`{"deltas":{"protocol":1,"refs":2}}\n{"refs":[]}\n`, 'protocol'],
      [`{"deltas":{"protocol":1,"refs":99999999999}}\n`, 'protocol'],
      [`${head}{"generation":{"store":"x"}}\n`, 'protocol'],
      [`${head}{"error":{"code":"integrity","message":"damaged"}}\n`, 'integrity'],
    ];
    for (const [text, code] of rows) {
      await using liar = await startLiar(saying(200, NDJSON_HEADERS, text));
      await using peer = peerOf(liar.url);
      const session = async () => {
        const answer = await peer.deltas(VOLSET, ASK);
        for await (const _ of answer.generations);
        await answer.trailer();
      };
      await assert.rejects(session(), rejectsWith(code), text);
    }
  });
});

describe('client: who answers', () => {
  const other = `${'dd'.repeat(16)}.1`;
  const volsets = '{"volsets":[]}';

  it('remembers the store of the first answer', async () => {
    await using liar = await startLiar(saying(200, JSON_HEADERS, volsets));
    await using peer = peerOf(liar.url);
    assert.equal(peer.identity, undefined);
    await peer.listVolsets();
    assert.equal(peer.identity, STORE);
  });

  it('stops when it changes within a session, epoch included', async () => {
    for (const next of [other, STORE.replace('.1', '.2')]) {
      let asked = 0;
      await using liar = await startLiar((request, response) =>
        saying(200, { ...JSON_HEADERS, ...(asked++ > 0 && { 'plait-store': next }) }, volsets)(request, response),
      );
      await using peer = peerOf(liar.url);
      await peer.listVolsets();
      await assert.rejects(peer.listVolsets(), rejectsWith('identity'));
    }
  });

  it('stops when it is not the expected one, before the body is used, but takes a new epoch', async () => {
    await using liar = await startLiar(saying(200, { ...JSON_HEADERS, 'plait-store': other }, 'nonsense'));
    await using peer = peerOf(liar.url, { expectIdentity: STORE as StoreId });
    await assert.rejects(peer.listVolsets(), rejectsWith('identity', /another store/));
    await using later = await startLiar(
      saying(200, { ...JSON_HEADERS, 'plait-store': STORE.replace('.1', '.7') }, volsets),
    );
    await using same = peerOf(later.url, { expectIdentity: STORE as StoreId });
    assert.deepEqual(await same.listVolsets(), []);
  });

  it('takes any store where none is remembered, but no change after that', async () => {
    let asked = 0;
    await using liar = await startLiar((request, response) =>
      saying(200, { ...JSON_HEADERS, 'plait-store': asked++ < 2 ? other : STORE }, volsets)(request, response),
    );
    await using peer = peerOf(liar.url, {});
    await peer.listVolsets();
    await peer.listVolsets();
    assert.equal(peer.identity, other);
    await assert.rejects(peer.listVolsets(), rejectsWith('identity'));
  });

  it('stops on errors of another store as well: they may be its way to make us give up', async () => {
    const body = '{"error":{"code":"not-found","message":"no such volume set"}}';
    await using liar = await startLiar(saying(404, { ...JSON_HEADERS, 'plait-store': other }, body));
    await using peer = peerOf(liar.url, { expectIdentity: STORE as StoreId });
    await assert.rejects(peer.deltas(VOLSET, ASK), rejectsWith('identity'));
  });
});
