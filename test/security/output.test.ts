/**
 * Classes 9, 12 and 17 at the real program: names and texts that want to write to the terminal, into prototypes, or the
 * token into a log. Everything that people read is scanned for raw control and direction characters, everything for
 * the token; what machines read is exact.
 */
import assert from 'node:assert/strict';
import { rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Hub, Lab } from '../e2e/helpers/lab.ts';
import { type Ended, plait } from '../e2e/helpers/plait.ts';

/** All that showPath escapes, and a line feed at the end of a line is the only control character that is printed. */
const RAW = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/;

const EVIL = [
  'clear\x1b[2J\x1b[H',
  'title\x1b]0;owned\x07',
  'back\b\b\b\b',
  'return\rok',
  'line\nerror: all is well',
  'c1\u009b31m',
  'bidi\u202egpj.exe',
  'isolate\u2066x\u2069',
  'separator\u2028x',
  'tab\tx',
  'delete\x7f',
];
const WORDS = [
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  '-rf',
  '--help',
  '--json',
  '$(touch x)',
  '`x`',
];

describe('security: what is printed', function () {
  this.timeout(120_000);
  let lab: Lab;
  let hub: Hub;
  let token: string;
  const printed: { argv: string[]; end: Ended }[] = [];

  /** Runs with the token in the environment and every detail that PLAIT_DEBUG gives. */
  const say = async (cwd: string, argv: string[], env: Record<string, string> = {}): Promise<Ended> => {
    const end = await plait(argv, { cwd: lab.path(cwd), env: { PLAIT_TOKEN: token, ...env } });
    printed.push({ argv, end });
    return end;
  };

  before(async () => {
    lab = new Lab();
    hub = await lab.hub();
    const args = ['--store', hub.store, 'token', 'create', '--can', 'read,write', '--label', 'l\x1b[1m'];
    token = (await lab.run(args)).token;
    const work = await lab.volume('work');
    for (const name of [...EVIL, ...WORDS]) writeFileSync(join(work, name), name);
    writeFileSync(Buffer.concat([Buffer.from(`${work}/`), Buffer.from([0x1b, 0xff, 0x0a])]), 'no text');
    symlinkSync('target\x1b[2J', join(work, 'link'));
    symlinkSync('x', join(work, 'link\x1b[2J'));
  });
  after(() => lab[Symbol.asyncDispose]());

  const text = EVIL.join(' ');
  const attrs = ['__proto__=1', 'constructor=2', 'toString=3', `k=${EVIL[0]}`].flatMap((pair) => ['--attr', pair]);

  it('whatever the verb does, well or badly, it escapes what it tells people', async () => {
    await say('work', ['remote', 'add', 'origin', `${hub.url}/data`]);
    const rows = [
      ['status'],
      ['snapshot', '-m', text, ...attrs],
      ['update', '--description', text],
      ['update', 'main', ...attrs],
      ['branch', 'create', 'toString'],
      ['branch', 'create', '__proto__'],
      ['branch', 'create', EVIL[0]],
      ['branch', 'create', '-rf'],
      ['status'],
      ['log'],
      ['ls', 'main'],
      ['volset', 'list'],
      ['push'],
      ['status', '--remote'],
      ['diff'],
      ['verify', '--read-data'],
      ['queue', 'list'],
      ['cat', 'main', EVIL[0]],
      ['cat', 'main', `none${EVIL[0]}`],
      ['cat', 'main', '__proto__/x'],
      ['ls', 'main', `none${EVIL[0]}`],
      ['restore', 'main', '--', `none${EVIL[0]}`],
      ['restore', 'main', '--', `none${EVIL[5]}`],
      ['config', 'set', EVIL[0], 'x'],
      ['config', 'set', 'creator', EVIL[0]],
      ['config', 'set', '__proto__', 'x'],
      ['config', 'get', 'constructor'],
      ['remote', 'show', 'origin'],
      ['remote', 'show', '__proto__'],
      ['export', 'main', `none${EVIL[0]}/x`],
      ['import', EVIL[0]],
      ['member', 'list'],
      ['conflicts', 'list'],
      ['conflicts', 'show', EVIL[0]],
    ];
    for (const argv of rows) await say('work', argv);
    const name = EVIL.join('');
    for (const verb of ['checkout', 'log', 'merge', 'push', 'diff', 'ls']) await say('work', [verb, name]);
    await say('work', ['branch', 'delete', name]);
    await say('work', ['remote', 'show', name]);
    await say('work', ['remote', 'add', name, `${hub.url}/data`]);
    for (const gone of EVIL) rmSync(join(lab.path('work'), gone));
    await say('work', ['status']);
    await say('work', ['diff', 'main']);
    const end = await say('.', ['clone', `${hub.url}/data`, lab.path('copy')]);
    assert.equal(end.exit, 0, JSON.stringify(end));
    await say('copy', ['pull']);
    await say('copy', ['sync', '--progress', 'plain']);
    assert.ok(printed.filter(({ end: { exit } }) => exit === 0).length > 20, 'most of them did something');
    for (const {
      argv,
      end: { stdout, stderr },
    } of printed) {
      // A file's own bytes are what `cat` is for.
      const told = argv[0] === 'cat' ? stderr : stdout + stderr;
      const found = RAW.exec(told);
      assert.equal(
        found,
        null,
        `plait ${JSON.stringify(argv)}: ${JSON.stringify(told.slice(Math.max(0, (found?.index ?? 0) - 80)))}`,
      );
      assert.doesNotMatch(told, /^error: all is well/m);
      assert.doesNotMatch(told, /this is a bug in plait/, JSON.stringify({ argv, stderr }));
    }
  });

  it('is exact for machines', async () => {
    const { snapshots } = await lab.in('copy', ['log']);
    assert.equal(snapshots[0].description, text);
    const own = Object.entries(snapshots[0].attrs as object);
    assert.deepEqual(own.map(([name]) => name).sort(), ['__proto__', 'constructor', 'k', 'toString']);
    const { entries } = await lab.in('copy', ['ls', 'main']);
    const paths = new Set(entries.map((entry: { path: string }) => entry.path));
    for (const name of [...EVIL, ...WORDS]) assert.ok(paths.has(name), JSON.stringify(name));
    assert.equal(({} as Record<string, unknown>).polluted, undefined);
  });

  it('never holds the token: not in output, however a command fails, nor in the log of the hub', async () => {
    const wrong = `${token.slice(0, -4)}AAAA`;
    const file = lab.path('token');
    writeFileSync(file, `${token}\n`, { mode: 0o600 });
    const open = lab.path('open');
    writeFileSync(open, `${token}\n`, { mode: 0o644 });
    const debug = { PLAIT_DEBUG: '1' };
    const rows: [argv: string[], env?: Record<string, string>][] = [
      [['pull'], debug],
      [['push', '--json'], debug],
      [['pull'], { ...debug, PLAIT_TOKEN: wrong }],
      [['pull'], { ...debug, PLAIT_TOKEN: `${token} ${token}` }],
      [['pull'], { ...debug, PLAIT_TOKEN: `${token}\nX: y` }],
      [['remote', 'add', 'open', hub.url, '--token-file', open], debug],
      [['remote', 'add', 'kept', `${hub.url}/data`, '--token-file', file], debug],
      [['remote', 'add', 'url', `http://x:${token}@127.0.0.1:1/data`], debug],
      [['remote', 'add', 'query', `http://127.0.0.1:1/data?token=${token}`], debug],
      [['clone', `http://${token}@127.0.0.1:1/data`], debug],
      [['remote', 'show', 'kept'], debug],
      [['remote', 'list', '--json'], debug],
      [['remote', 'set-url', 'kept', 'http://127.0.0.1:1/data'], debug],
      [['pull', 'kept'], debug],
      [['pull', 'http://127.0.0.1:1/data'], debug],
      [['status', '--remote'], debug],
      [['config', 'list'], debug],
      [['queue', 'list', '--json'], debug],
    ];
    for (const [argv, env] of rows) await say('work', argv, env);
    await hub.stop();
    await say('work', ['pull', 'kept'], debug);
    const { stdout, stderr } = await hub.running.ended;
    // The last characters of a token are its secret; an underscore may be one of them.
    const secret = token.slice(-40);
    assert.equal(secret.length, 40);
    for (const { argv, end } of printed) {
      assert.equal((end.stdout + end.stderr).includes(secret), false, `plait ${argv.join(' ')}`);
    }
    assert.equal((stdout + stderr).includes(secret), false);
    assert.doesNotMatch(stdout + stderr, RAW);
  });
});
