/** Who may do what at a hub, and that a token goes nowhere else. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type Document, type Hub, Lab } from './helpers/lab.ts';
import { assertTextFailure, type Failure, fails } from './helpers/outcome.ts';
import { plait, startPlait } from './helpers/plait.ts';

const unauthorized = (message: RegExp): Failure => ({
  exit: 12,
  code: 'unauthorized',
  message,
  hint: /plait token create/,
});
const forbidden = (message: RegExp): Failure => ({ exit: 12, code: 'forbidden', message, hint: /token create|--/ });

describe('e2e: tokens', function () {
  this.timeout(120_000);
  let lab: Lab;
  let hub: Hub;
  let work: string;
  const secrets: string[] = [];
  const printed: string[] = [];

  const token = async (...flags: string[]): Promise<Document> => {
    const made = await lab.run(['--store', hub.store, 'token', 'create', ...flags]);
    secrets.push(made.token);
    return made;
  };
  /** With this token in the environment. */
  const as = (text: string) => ({ cwd: work, env: { PLAIT_TOKEN: text } });
  const say = async (argv: string[], setup: Parameters<typeof plait>[1]): Promise<void> => {
    for (const extra of [[], ['--json']]) {
      const end = await plait([...argv, ...extra], { ...setup, env: { ...setup?.env, PLAIT_DEBUG: '1' } });
      printed.push(end.stdout, end.stderr);
    }
  };

  before(async () => {
    lab = new Lab();
    hub = await lab.hub();
    work = await lab.volume('work', hub);
    writeFileSync(join(work, 'a'), 'a');
    await lab.in('work', ['snapshot', '--push', 'origin']);
  });
  after(() => lab[Symbol.asyncDispose]());

  it('none, a wrong one, an expired one, a revoked one: exit 12 from the next request on', async () => {
    const writer = await token('--can', 'read,write', '--label', 'laptop');
    await fails(['push'], unauthorized(/wants a token/), { cwd: work });
    await lab.in('work', ['push'], 0, as(writer.token));
    await fails(['push'], unauthorized(/not valid/), as(`${writer.token.slice(0, -4)}AAAA`));
    await fails(['push'], unauthorized(/not valid/), as('hunter2hunter2'));
    const brief = await token('--can', 'read,write', '--expires', '0.001s');
    await fails(['pull'], unauthorized(/expired/), as(brief.token));
    const { tokens } = await lab.run(['--store', hub.store, 'token', 'list']);
    assert.deepEqual(
      tokens.map((row: Document) => [
        row.label,
        row.volset,
        row.can,
        row.revoked,
        row.expires === null,
        'token' in row,
      ]),
      [
        ['laptop', '*', ['read', 'write'], false, true, false],
        ['', '*', ['read', 'write'], false, false, false],
      ],
    );
    await lab.run(['--store', hub.store, 'token', 'revoke', writer.id]);
    await fails(['push'], unauthorized(/revoked/), as(writer.token));
    await fails(['clone', hub.url, lab.path('copy')], unauthorized(/revoked/), as(writer.token));
    await say(['push'], as(writer.token));
  });

  it('to read only, at a push; for another volset', async () => {
    const reader = await token('--can', 'read');
    await lab.in('work', ['pull'], 0, as(reader.token));
    writeFileSync(join(work, 'b'), 'b');
    await lab.in('work', ['snapshot']);
    const wanted = forbidden(/does not allow/);
    await fails(['push'], wanted, as(reader.token));
    await fails(['sync'], wanted, as(reader.token));
    const { snapshots } = await lab.in('work', ['log']);
    const shown = await lab.in('work', ['remote', 'show', 'origin'], 0, as(reader.token));
    assert.notEqual(shown.volsets[0].branches[0].tip, snapshots[0].snapshot);

    await lab.run(['init', lab.path('other')]);
    const admin = await token('--can', 'admin');
    await lab.in('other', ['remote', 'add', 'origin', hub.url]);
    await lab.in('other', ['snapshot', '--push', 'origin'], 0, { env: { PLAIT_TOKEN: admin.token } });
    const narrow = await token('--volset', 'other', '--can', 'read,write');
    for (const verb of ['push', 'pull']) await fails([verb], forbidden(/not for this volume set/), as(narrow.token));
    const seen = await lab.in('work', ['remote', 'show', 'origin'], 0, as(narrow.token));
    assert.deepEqual(
      seen.volsets.map((volset: Document) => volset.name),
      ['other'],
    );
    await fails(
      ['clone', `${hub.url}/data`, lab.path('copy')],
      { exit: 10, code: 'not-found', message: /no volset data/ },
      as(narrow.token),
    );
    await say(['pull'], as(narrow.token));
    await lab.in('work', ['push'], 0, as(admin.token));
    await lab.verify(hub.store);
  });

  it('from a file that only its owner may read, or from stdin; never from the command line', async () => {
    const { token: text } = await token('--can', 'read,write');
    const file = lab.path('token');
    writeFileSync(file, `${text}\n`, { mode: 0o644 });
    chmodSync(file, 0o644);
    const open: Failure = { exit: 2, code: 'bad-config', message: /can be read by others/, hint: /chmod 600/ };
    await fails(['remote', 'add', 'f', hub.url, '--token-file', file], open, { cwd: work });
    chmodSync(file, 0o600);
    await lab.in('work', ['remote', 'add', 'f', `${hub.url}/data`, '--token-file', file]);
    await lab.in('work', ['push', 'f']);
    chmodSync(file, 0o640);
    await fails(['push', 'f'], open, { cwd: work });

    const none: Failure = { exit: 2, code: 'usage', message: /no token came on stdin/, hint: /--token-stdin/ };
    assertTextFailure(await plait(['-C', work, 'remote', 'add', 's', hub.url, '--token-stdin']), none, 'empty stdin');
    assert.equal(
      (await lab.in('work', ['remote', 'list'])).remotes.some((row: Document) => row.name === 's'),
      false,
    );
    const added = await lab.in('work', ['remote', 'add', 's', `${hub.url}/data`, '--token-stdin'], 0, {
      input: `${text}\n`,
    });
    assert.equal(added.hasToken, true);
    await lab.in('work', ['push', 's']);
    assert.equal(statSync(join(work, '.plait/tokens/s')).mode & 0o777, 0o600);
    await lab.in('work', ['remote', 'rename', 's', 'old']);
    await lab.in('work', ['remote', 'add', 's', hub.url, '--token-stdin'], 0, { input: 'another-token\n' });
    await lab.in('work', ['push', 'old']);
    await lab.in('work', ['remote', 'remove', 's']);
    await lab.in('work', ['remote', 'rename', 'old', 's']);
    await lab.in('work', ['push', 's']);
    const elsewhere: Failure = { exit: 2, code: 'usage', message: /must not go to/, hint: /add it anew/ };
    await fails(['remote', 'set-url', 's', 'http://127.0.0.1:9'], elsewhere, { cwd: work });
    for (const argv of [
      ['remote', 'list'],
      ['remote', 'show', 's'],
      ['config', 'list'],
      ['status', '--remote'],
    ]) {
      await say(argv, { cwd: work });
    }
  });

  it('is not sent on to where a hub redirects', async () => {
    const heard: (string | undefined)[] = [];
    const other = createServer((request, response) => {
      heard.push(request.headers.authorization);
      response.end();
    });
    const first = createServer((_request, response) => {
      response.writeHead(307, { location: `http://127.0.0.1:${(other.address() as AddressInfo).port}/` }).end();
    });
    for (const server of [other, first]) await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const url = `http://127.0.0.1:${(first.address() as AddressInfo).port}`;
    await fails(['remote', 'show', url], { exit: 17, code: 'protocol', message: /redirect/ }, as(secrets[0]));
    for (const server of [other, first]) server.close();
    assert.deepEqual(heard, []);
  });

  it('is in no output, log or file but its own', async () => {
    const { stdout, stderr } = await hub.stop();
    const log = stdout + stderr + printed.join('');
    assert.ok(secrets.length > 4 && log.length > 100);
    const kept = ['meta.db'].map((name) => readFileSync(join(hub.store, name), 'latin1')).join('');
    const ours = readFileSync(join(work, '.plait/meta.db'), 'latin1');
    for (const secret of secrets) {
      assert.equal(log.includes(secret), false);
      assert.equal(kept.includes(secret), false);
      assert.equal(ours.includes(secret), false);
      assert.equal(log.includes(secret.slice(-43)), false);
    }
  });
});

describe('e2e: doors of a hub', function () {
  this.timeout(60_000);
  let lab: Lab;
  beforeEach(() => {
    lab = new Lab();
  });
  afterEach(() => lab[Symbol.asyncDispose]());

  it('without tokens it listens on loopback only, unless told so', async () => {
    const argv = ['serve', lab.path('hub'), '--listen', '0.0.0.0:0'];
    await fails(argv, { exit: 2, code: 'bad-config', message: /loopback only/, hint: /--no-auth/ });
    const open = startPlait([...argv, '--no-auth', '--json'], { input: '' });
    await open.output(/"listening"/);
    open.child.kill('SIGTERM');
    assert.equal((await open.ended).exit, 0);
  });

  it('a port in use: exit 11; a read-only hub refuses a push: exit 12; TLS wants both files: exit 2', async () => {
    const hub = await lab.hub('ro', '--read-only');
    const port = new URL(hub.url).host;
    await fails(['serve', lab.path('two'), '--listen', port], {
      exit: 11,
      code: 'busy',
      message: /in use/,
      hint: /--listen/,
    });
    const work = await lab.volume('work', hub);
    await lab.in('work', ['snapshot']);
    await fails(['push'], { exit: 12, code: 'forbidden', message: /read-only/, hint: /another/ }, { cwd: work });
    const half = ['serve', lab.path('two'), '--listen', '127.0.0.1:0', '--tls-cert', 'x'];
    await fails(half, { exit: 2, code: 'usage', message: /tls-key/ });
    await fails([...half, '--tls-key', 'y'], { exit: 2, code: 'usage', message: /cannot be read/, hint: /PEM/ });
  });

  it('a certificate that nobody vouches for is refused, and accepted with --ca or NODE_EXTRA_CA_CERTS', async () => {
    const [key, cert] = [lab.path('key.pem'), lab.path('cert.pem')];
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1', '-days', '2'];
    execFileSync(
      'openssl',
      [
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:P-256',
        '-nodes',
        '-keyout',
        key,
        '-out',
        cert,
        ...subject,
      ],
      { stdio: 'ignore' },
    );
    const hub = await lab.hub('hub', '--tls-cert', cert, '--tls-key', key);
    assert.match(hub.url, /^https:/);
    const work = await lab.volume('work', hub);
    writeFileSync(join(work, 'a'), 'a');
    await lab.in('work', ['snapshot']);
    const wanted: Failure = { exit: 13, code: 'network', message: /not trusted/, hint: /--ca FILE/ };
    await fails(['push'], wanted, { cwd: work });
    await fails(['clone', hub.url, 'copy'], { ...wanted, hint: /NODE_EXTRA_CA_CERTS/ }, { cwd: lab.dir });
    await lab.in('work', ['remote', 'add', 'safe', hub.url, '--ca', cert]);
    await lab.in('work', ['push', 'safe']);
    await lab.run(['clone', hub.url, 'copy'], 0, { cwd: lab.dir, env: { NODE_EXTRA_CA_CERTS: cert } });
    assert.equal(readFileSync(lab.path('copy/a'), 'utf8'), 'a');
    const plain = hub.url.replace('https:', 'http:');
    const end = await plait(['remote', 'show', plain], { cwd: lab.dir });
    assert.ok(end.exit === 13 || end.exit === 17, JSON.stringify(end));
    const reversed = await lab.hub('plain');
    await fails(['remote', 'show', reversed.url.replace('http:', 'https:')], {
      exit: 17,
      code: 'protocol',
      message: /no TLS/,
      hint: /http/,
    });
  });
});
