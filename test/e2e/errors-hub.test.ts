/** Hubs that are down, are none, talk nonsense or are another one than before. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { type AddressInfo, createServer as createTcp, type Server as TcpServer } from 'node:net';
import { join } from 'node:path';
import { type Document, Lab } from './helpers/lab.ts';
import { type Failure, fails } from './helpers/outcome.ts';

const STORE = `${'a'.repeat(32)}.1`;
const NAMED = { 'plait-store': STORE, 'plait-protocol': '1' };
const typeOf = (url = '') => (url.endsWith('/deltas') ? 'application/x-ndjson' : 'application/json');

type Nonsense = [what: string, answer: RequestListener, wanted: Omit<Failure, 'hint'>, hint: RegExp];
const none = (message: RegExp) => ({ exit: 17, code: 'protocol', message });
const cut = { exit: 13, code: 'network', message: /cut/ };

const NONSENSE: Nonsense[] = [
  [
    'a web page',
    (_q, r) => r.writeHead(200, { 'content-type': 'text/html' }).end('<p>hi'),
    none(/no plait hub/),
    /URL/,
  ],
  ['an error page', (_q, r) => r.writeHead(500).end('oops'), none(/HTTP 500/), /URL/],
  ['a redirect', (_q, r) => r.writeHead(302, { location: 'http://h/' }).end(), none(/redirect/), /URL/],
  ['a proxy', (_q, r) => r.writeHead(502).end(), { exit: 13, code: 'network', message: /HTTP 502/ }, /later/],
  [
    'garbage',
    (q, r) => r.writeHead(200, { ...NAMED, 'content-type': typeOf(q.url) }).end('{{{\n\u0000\n'),
    none(/not JSON|not a JSON object/),
    /URL/,
  ],
  [
    'half an answer',
    (q, r) => {
      r.writeHead(200, { ...NAMED, 'content-type': typeOf(q.url), 'content-length': 1000 }).write('{"volsets":[');
      r.destroy();
    },
    cut,
    /again/,
  ],
  [
    'another protocol',
    (q, r) => r.writeHead(200, { ...NAMED, 'plait-protocol': '9', 'content-type': typeOf(q.url) }).end('{}'),
    none(/another version/),
    /update/,
  ],
  [
    'an error that is none',
    (_q, r) => r.writeHead(418, { ...NAMED, 'content-type': 'application/json' }).end('{"error":{"code":"fine"}}'),
    none(/418|error/),
    /URL/,
  ],
];

describe('e2e: hubs that fail', function () {
  this.timeout(120_000);
  let lab: Lab;
  let work: string;
  let log: Document;
  const servers: (Server | TcpServer)[] = [];
  before(async () => {
    lab = new Lab();
    work = await lab.volume('work');
    writeFileSync(join(work, 'a'), 'a');
    await lab.in('work', ['snapshot']);
    log = await lab.in('work', ['log']);
    await lab.in('work', ['remote', 'add', 'bad', 'http://127.0.0.1:9']);
  });
  after(async () => {
    for (const server of servers) server.close();
    await lab[Symbol.asyncDispose]();
  });

  async function serve(answer: RequestListener): Promise<string> {
    const server = createServer(answer);
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  async function assertFails(url: string, wanted: Failure): Promise<void> {
    await lab.in('work', ['remote', 'set-url', 'bad', url]);
    await fails(['push', 'bad'], wanted, { cwd: work });
    await fails(['pull', 'bad'], wanted, { cwd: work });
    await fails(['clone', `${url}/data`, lab.path('copy')], wanted, { cwd: lab.dir });
    assert.equal(existsSync(lab.path('copy')), false, 'a clone that never began leaves nothing');
  }

  for (const [what, answer, wanted, hint] of NONSENSE) {
    it(`${what}: exit ${wanted.exit}`, async () => assertFails(await serve(answer), { ...wanted, hint }));
  }

  it('nobody there: exit 13', async () => {
    const url = await serve(() => {});
    await new Promise((resolve) => servers.pop()?.close(resolve));
    await assertFails(url, { exit: 13, code: 'network', message: /nothing listens there/, hint: /plait serve/ });
  });

  it('no such host: exit 13', async () => {
    await fails(
      ['clone', 'http://no-such-host.invalid/x'],
      { exit: 13, code: 'network', message: /no-such-host/ },
      { cwd: lab.dir },
    );
  });

  it('no HTTP at all: exit 17', async () => {
    const server = createTcp((socket) => socket.end('SSH-2.0-OpenSSH_9.2\r\n'));
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await assertFails(url, { exit: 17, code: 'protocol', message: /does not speak HTTP/, hint: /URL/ });
  });

  it('the store is as it was', async () => {
    assert.deepEqual(await lab.in('work', ['log']), log);
    await lab.in('work', ['remote', 'remove', 'bad']);
    await lab.verify(join(work, '.plait'));
  });

  it('another store at the same address: exit 16, nothing sent; none of that volset: exit 10', async () => {
    const hub = await lab.hub('one');
    const other = await lab.hub('two');
    await lab.in('work', ['remote', 'add', 'moved', hub.url]);
    await fails(
      ['pull', 'moved'],
      { exit: 10, code: 'not-found', message: /no volset data/, hint: /plait push moved/ },
      { cwd: work },
    );
    await lab.in('work', ['push', 'moved']);
    await lab.in('work', ['remote', 'set-url', 'moved', other.url]);
    const wanted: Failure = { exit: 16, code: 'identity', message: /another store than before/, hint: /plait remote/ };
    await fails(['push', 'moved'], wanted, { cwd: work });
    await fails(['pull', 'moved'], wanted, { cwd: work });
    assert.deepEqual((await lab.run(['remote', 'show', other.url])).volsets, []);
    await fails(
      ['clone', `${hub.url}/nope`],
      { exit: 10, code: 'not-found', message: /no volset nope/, hint: /data/ },
      { cwd: lab.dir },
    );
    await fails(['clone', other.url], { exit: 10, code: 'not-found', message: /holds no volset/ }, { cwd: lab.dir });
    mkdirSync(lab.path('taken'));
    writeFileSync(lab.path('taken/mine'), 'mine');
    await fails(
      ['clone', hub.url, 'taken'],
      { exit: 2, code: 'exists', message: /not empty/, hint: /another/ },
      { cwd: lab.dir },
    );
    await lab.in('work', ['remote', 'remove', 'moved']);
  });

  it('several outcomes at once: what weighs more decides the exit code, and the snapshot is not lost', async () => {
    const gone = await serve(() => {});
    await new Promise((resolve) => servers.pop()?.close(resolve));
    await lab.in('work', ['remote', 'add', 'gone', gone]);
    const { mkfifo } = {
      mkfifo: (path: string) => import('node:child_process').then((m) => m.execFileSync('mkfifo', [path])),
    };
    await mkfifo(join(work, 'pipe'));
    writeFileSync(join(work, 'b'), 'b');
    // 3 (a pipe is skipped) and 13 (the hub is down).
    const error = await fails(
      ['snapshot', '--push', 'gone'],
      { exit: 13, code: 'network', message: /nothing listens/, hint: /was made and is safe here/ },
      { cwd: work },
    );
    const { snapshots } = await lab.in('work', ['log']);
    assert.equal((error.data as { snapshot: string }).snapshot, snapshots[0].snapshot);
    const unchanged = { exit: 13, code: 'network', message: /nothing listens/, hint: /^snapshot \w+ is safe here/ };
    await fails(['snapshot', '--push', 'gone', '--skip-unchanged'], unchanged, { cwd: work });
    // 3 and 7, 3 and 4: 3 weighs more than both.
    writeFileSync(join(work, 'c'), 'c');
    await lab.in('work', ['status', '--exit-code'], 3);
    await lab.verify(join(work, '.plait'));
  });
});
