import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import fc from 'fast-check';
import { BRANCH, peerOf, SELF, SENDER, sampleHistory, startHub, type TestHub, VOLSET } from './support.ts';

/** Sends bytes as they are; resolves with what came back until the connection closed or `until` matched. */
function raw(port: number, text: string, until: RegExp = /$^/): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(text));
    let answer = '';
    socket.on('data', (piece) => {
      answer += piece.toString('latin1');
      if (until.test(answer)) socket.destroy();
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(answer));
  });
}

const statusOf = (answer: string): number => Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1] ?? 0);
const get = (port: number, path: string): Promise<string> =>
  raw(port, `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);

describe('hub: hostile requests', () => {
  let test: TestHub;
  const history = sampleHistory();

  before(async () => {
    test = await startHub();
    await using peer = peerOf(test.url);
    await peer.createVolset({ id: VOLSET, name: 'data' });
    await peer.sendGenerations(VOLSET, history.generations, SENDER);
  });
  after(() => test.hub.close());

  const post = (path: string, body: string | Uint8Array, type = 'application/json'): Promise<Response> =>
    fetch(test.url + path, { method: 'POST', headers: { 'content-type': type }, body: body as never });
  const codeOf = async (answer: Response): Promise<string> =>
    ((await answer.json()) as { error?: { code: string } }).error?.code ?? 'none';

  it('traversal in the URL reaches nothing', async () => {
    const paths = [
      '/v1/volsets/%2e%2e',
      '/v1/volsets/%2e%2e%2f%2e%2e%2fetc%2fpasswd',
      '/v1/volsets/..%2f..',
      '/v1/volsets/../../etc/passwd',
      '/v1//volsets',
      '//v1/volsets',
      `/v1/volsets/${VOLSET}%00`,
      `/v1/volsets/${VOLSET}%2f..%2f${VOLSET}`,
      `/v1/volsets/${VOLSET.toUpperCase()}`,
      `/v1/volsets/${VOLSET}2`,
      `/v1/volsets/${VOLSET.slice(1)}`,
      `/v1/volsets/${VOLSET}/`,
      '/v1/volsets/__proto__',
      '/v1/volsets/constructor',
      '/v1/volsets/%zz',
      '/v1/volsets/%c0%ae',
      '/v1/transfers/..%2f..%2fmeta.db',
      `/${'a'.repeat(9000)}`,
    ];
    for (const path of paths) {
      const status = statusOf(await get(test.hub.port, path));
      assert.ok(status === 400 || status === 403 || status === 404, `${path} answers ${status}`);
    }
  });

  it('no URL makes the hub fail', async () => {
    const part = fc.oneof(
      fc.constantFrom('v1', 'volsets', 'transfers', VOLSET, 'deltas', '..', '%2e', '%2f', '%00', '\\', '~', '*'),
      fc.webSegment(),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(part, { maxLength: 6 }), async (parts) => {
        const answer = await get(test.hub.port, `/${parts.join('/')}`);
        assert.ok(statusOf(answer) < 500, answer.slice(0, 200));
      }),
      { numRuns: 150 },
    );
  });

  it('what is no HTTP gets a short answer and a closed connection', async () => {
    for (const text of [
      'hello\r\n\r\n',
      '\x16\x03\x01\x02\x00',
      'GET / HTTP/9.9\r\n\r\n',
      `GET / HTTP/1.1\r\nx: ${'a'.repeat(20_000)}\r\n\r\n`,
    ]) {
      assert.equal(statusOf(await raw(test.hub.port, text)), 400);
    }
  });

  it('a JSON body may hold nothing that was not asked for', async () => {
    const path = `/v1/volsets/${VOLSET}/deltas`;
    const rows = [
      '',
      'nonsense',
      '[]',
      'null',
      '{}',
      `{"self":"${SELF}","vector":{},"knownRevision":-1}`,
      `{"self":"${SELF}","vector":{},"knownRevision":1e400}`,
      `{"self":"${SELF}","vector":{},"knownRevision":0,"more":1}`,
      `{"self":"${SELF}","vector":{},"knownRevision":0,"__proto__":{"polluted":1}}`,
      `{"self":"${SELF}","vector":{"__proto__":{"generation":1,"hash":"${'a'.repeat(64)}"}},"knownRevision":0}`,
      `{"self":"${SELF}","vector":{"constructor":{"generation":1,"hash":"${'a'.repeat(64)}"}},"knownRevision":0}`,
      `{"self":"${SELF}\\n","vector":{},"knownRevision":0}`,
    ];
    for (const row of rows) assert.equal(await codeOf(await post(path, row)), 'protocol', row);
    assert.equal(({} as Record<string, unknown>).polluted, undefined);
  });

  it('oversize claims are refused', async () => {
    const moves = Array.from({ length: 1001 }, () => ({ branch: BRANCH, from: null, to: 'a'.repeat(64) }));
    assert.equal(await codeOf(await post(`/v1/volsets/${VOLSET}/refs`, JSON.stringify({ moves }))), 'protocol');
    const wants = [{ id: 'a'.repeat(64), baseCandidates: Array.from({ length: 65 }, () => 'b'.repeat(64)) }];
    assert.equal(await codeOf(await post(`/v1/volsets/${VOLSET}/requests`, JSON.stringify({ wants }))), 'protocol');
    const claimed = `POST /v1/volsets HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 99999999999\r\n\r\n{`;
    assert.equal(statusOf(await raw(test.hub.port, claimed, /\}\}$/)), 400);
    const list = Object.fromEntries(
      Array.from({ length: 10_001 }, (_, i) => [
        `${i.toString(16).padStart(32, '0')}.1`,
        { generation: 1, hash: 'a'.repeat(64) },
      ]),
    );
    const ask = JSON.stringify({ self: SELF, vector: list, knownRevision: 0 });
    assert.equal(await codeOf(await post(`/v1/volsets/${VOLSET}/deltas`, ask)), 'protocol');
  });

  it('bodies of another type, or compressed, are refused', async () => {
    assert.equal(await codeOf(await post('/v1/volsets', '{}', 'text/plain')), 'protocol');
    assert.equal(await codeOf(await post(`/v1/volsets/${VOLSET}/generations`, '{}', 'application/json')), 'protocol');
    const gzip = await fetch(`${test.url}/v1/volsets`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' },
      body: '{}',
    });
    assert.equal(await codeOf(gzip), 'protocol');
    const newer = await fetch(`${test.url}/v1/volsets`, { headers: { 'plait-protocol': '2' } });
    assert.equal(await codeOf(newer), 'protocol');
  });

  it('a push that is cut, doctored or too long changes nothing', async () => {
    const applied = test.meta.calls.get('apply');
    const path = `/v1/volsets/${VOLSET}/generations`;
    const head = JSON.stringify({ push: { protocol: 1, self: SELF } });
    const header = JSON.stringify({ generation: { ...history.generations[0], records: undefined } });
    const rows = [
      '',
      `${head}\n`,
      `${head}\n${header}\n`,
      `${head}\n{"trailer":{"generations":1,"digest":"${'0'.repeat(64)}"}}\n`,
      `${head}\n{"generation":{"__proto__":1}}\n`,
      `${head}\n${'x'.repeat(5_000_000)}`,
      `${head}\n"${'x'.repeat(2_000_000)}"\n`,
      '\xff\xfe\n',
    ];
    for (const row of rows) {
      const answer = await post(path, row, 'application/x-ndjson');
      assert.ok(['protocol', 'network'].includes(await codeOf(answer)), row.slice(0, 80));
    }
    assert.equal(test.meta.calls.get('apply'), applied);
  });

  it('a failure inside tells nothing about the inside', async () => {
    const offers = test.transfers.answerOffers;
    test.transfers.answerOffers = async () => {
      throw new Error('secret path /root/x');
    };
    const answer = await post(`/v1/volsets/${VOLSET}/offers`, JSON.stringify({ offers: [] }));
    test.transfers.answerOffers = offers;
    assert.equal(answer.status, 500);
    assert.ok(!(await answer.text()).includes('/root'));
    assert.ok(test.log.some((line) => line.event === 'failure' && String(line.message).includes('/root/x')));
  });
});

describe('hub: slow and silent clients', () => {
  const opened: Socket[] = [];
  after(() => {
    for (const socket of opened) socket.destroy();
  });
  const open = (port: number, text: string): Promise<Socket> =>
    new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1', () => socket.write(text, () => resolve(socket)));
      // Refused at once is an answer too; `closed` sees it.
      socket.on('error', () => resolve(socket));
      opened.push(socket);
    });
  const closed = (socket: Socket): Promise<void> =>
    new Promise((resolve) => {
      if (socket.closed) return resolve();
      socket.on('close', () => resolve());
      socket.resume();
    });

  it('heads and bodies that do not come are not waited for', async () => {
    await using test = await startHub({ limits: { headersMs: 200, bodyMs: 200, idleMs: 200 } });
    const head = 'HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\nContent-Type: ';
    const sockets = await Promise.all([
      open(test.hub.port, 'GET / HTTP/1.1\r\nHost: loc'),
      open(test.hub.port, `POST /v1/volsets ${head}application/json\r\n\r\n{`),
    ]);
    await Promise.all(sockets.map(closed));
    const history = sampleHistory();
    await using peer = peerOf(test.url);
    await peer.createVolset({ id: VOLSET, name: 'data' });
    await peer.sendGenerations(VOLSET, history.generations, SENDER);
    await closed(
      await open(test.hub.port, `POST /v1/volsets/${VOLSET}/generations ${head}application/x-ndjson\r\n\r\n{`),
    );
  });

  it('a client that drips bytes is a silent one', async () => {
    await using test = await startHub({ limits: { idleMs: 150 } });
    await using peer = peerOf(test.url);
    await peer.createVolset({ id: VOLSET, name: 'data' });
    const head = `POST /v1/volsets/${VOLSET}/generations HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\nContent-Type: application/x-ndjson\r\n\r\n`;
    const socket = await open(test.hub.port, head);
    const drip = setInterval(() => socket.write('{'), 20);
    await closed(socket);
    clearInterval(drip);
  });

  it('many half-open connections leave room for a good client', async () => {
    await using test = await startHub({ limits: { headersMs: 5000 } });
    await Promise.all(Array.from({ length: 1000 }, () => open(test.hub.port, 'GET /v1/volsets HTTP/1.1\r\nHo')));
    await using peer = peerOf(test.url);
    assert.deepEqual(await peer.listVolsets(), []);
    for (const socket of opened) socket.destroy();
  });

  it('connections beyond the cap are refused, and those within still served', async () => {
    await using test = await startHub({ limits: { connections: 3 } });
    const kept = await Promise.all([1, 2].map(() => open(test.hub.port, 'GET /v1/volsets HTTP/1.1\r\nHo')));
    await using peer = peerOf(test.url);
    assert.deepEqual(await peer.listVolsets(), []);
    await closed(await open(test.hub.port, 'GET /healthz HTTP/1.1\r\n'));
    for (const socket of kept) socket.destroy();
  });
});
