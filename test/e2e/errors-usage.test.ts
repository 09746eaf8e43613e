/** Wrong words: no store, references, flags, environment, config. Nothing of it may touch the store. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Lab } from './helpers/lab.ts';
import { assertTextFailure, type Failure, fails } from './helpers/outcome.ts';
import { plait } from './helpers/plait.ts';

type Row = [what: string, argv: string[], wanted: Failure, env?: Record<string, string>];

const usage = (message: RegExp, hint?: RegExp): Failure => ({ exit: 2, code: 'usage', message, hint });
const config = (message: RegExp, hint?: RegExp): Failure => ({ exit: 2, code: 'bad-config', message, hint });
const missing = (message: RegExp, hint?: RegExp, code = 'not-found'): Failure => ({ exit: 10, code, message, hint });

const OUTSIDE: Row[] = [
  ['no store', ['status'], missing(/no store in or above/, /plait init/, 'no-store')],
  [
    'a directory that only looks like a store',
    ['-C', 'sources', 'status'],
    missing(/no store in or above/, /plait init/, 'no-store'),
  ],
  ['no store named', ['--store', 'empty', 'status'], missing(/is not a store/, /plait init/, 'no-store')],
  ['no store for a hub token', ['token', 'list'], missing(/no store/, /--store DIR/, 'no-store')],
  ['a folder that is not there', ['-C', 'nowhere', 'status'], missing(/nowhere is no directory/, /-C/)],
  ['a folder from PLAIT_DIR', ['status'], missing(/nowhere is no directory/, /PLAIT_DIR/), { PLAIT_DIR: 'nowhere' }],
  ['an unknown verb', ['psuh'], usage(/no command plait psuh/, /did you mean `plait push`/)],
  ['an unknown sub-verb', ['remote', 'ad'], usage(/no command/, /plait remote add/)],
  ['a missing argument', ['clone'], usage(/`plait clone` needs URL/, /plait clone --help/)],
  ['another scheme', ['clone', 'ftp://hub/x'], usage(/not a hub's URL/, /http:\/\/HOST/)],
  ['an address as of ssh', ['clone', 'host:path'], usage(/not a hub's URL/, /http:\/\/HOST/)],
  ['a path without a store', ['clone', 'nonsense'], missing(/no store at .*nonsense/, /http:\/\/HOST/, 'no-store')],
  ['a wrong address', ['serve', 'hub', '--listen', 'foo'], usage(/no address to listen on/, /127\.0\.0\.1:7420/)],
];

const INSIDE: Row[] = [
  ['an unknown reference', ['log', 'nothere'], missing(/no branch or snapshot/, /plait branch list/)],
  ['a near miss', ['log', 'mian'], missing(/mian/, /main/)],
  ['an unknown branch', ['log', 'branch:nothere'], missing(/nothere/)],
  ['an unknown path', ['cat', 'main', 'nofile'], missing(/nofile is not in main/, /plait ls main/)],
  ['a folder for a file', ['cat', 'main', 'sub'], usage(/sub is a directory/, /plait ls/)],
  ['too few ancestors', ['checkout', 'main~99'], missing(/main~99|main/)],
  ['an unknown remote', ['push', 'nope'], missing(/no remote nope/, /plait remote add/)],
  ['no remote at all', ['push'], usage(/no remote/, /plait remote add origin URL/)],
  ['an unknown volset', ['push', 'nope', '--volset', 'zz'], missing(/zz|nope/)],
  ['credentials in a URL', ['remote', 'add', 'o', 'http://u:hunter2@h/'], usage(/credentials/, /--token-file/)],
  ['a query in a URL', ['remote', 'add', 'o', 'http://h/?token=hunter2'], usage(/more than a volset/)],
  [
    'a token file that is not there',
    ['remote', 'add', 'o', 'http://h', '--token-file', 'x'],
    config(/x does not exist/),
  ],
  ['an authority that is not there', ['remote', 'add', 'o', 'http://h', '--ca', 'x'], config(/x does not exist/)],
  ['an unknown flag', ['snapshot', '--mesage', 'x'], usage(/no flag --mesage/, /--message/)],
  ['a value for a switch', ['push', '--dry-run=false'], usage(/takes no value/, /--dry-run/)],
  ['a bad duration', ['--lock-wait', '5 parsecs', 'status'], usage(/--lock-wait.*not a duration/, /30s/)],
  ['a bad percentage', ['verify', '--sample', '500%'], usage(/not a percentage/, /5%/)],
  ['a bad number', ['log', '-n', 'x'], usage(/integer/, /plait log --help/)],
  ['a bad choice', ['--progress', 'blue', 'status'], usage(/blue/, /./)],
  ['a bad attribute', ['snapshot', '--attr', 'x'], usage(/no attribute/, /KEY=VALUE/)],
  ['a bad name', ['branch', 'create', '-x'], usage(/-x/)],
  ['a name like an id', ['branch', 'create', 'abcdef012'], usage(/abcdef012/)],
  ['a branch twice', ['branch', 'create', 'main'], { exit: 2, code: 'exists', message: /exists already/ }],
  ['a bad right', ['token', 'create', '--can', 'fly'], usage(/no right fly/, /read, append, write/)],
  ['an unknown token', ['token', 'revoke', 'abc'], missing(/no token abc/, /plait token list/)],
  ['an unknown key', ['config', 'set', 'nokey', '1'], usage(/no configuration key/, /lock-wait/)],
  ['a bad value to keep', ['config', 'set', 'lock-wait', 'soon'], config(/config key lock-wait/, /30s/)],
  ['a hold that ends at once', ['config', 'set', 'hold.expires', '0s'], usage(/time for a hold/, /4h/)],
  ['a key not set', ['config', 'get', 'lock-wait'], missing(/not set/, /config list/)],
  ['a bundle that is not there', ['import', 'nofile'], missing(/nofile does not exist/, /check the path/)],
  ['a folder for a bundle', ['import', '.'], usage(/no file/)],
  [
    'no bundle',
    ['import', 'a.txt'],
    { exit: 17, code: 'protocol', message: /a\.txt is no whole bundle/, hint: /export/ },
  ],
  [
    'a folder for an export that is not there',
    ['cat', 'main', '../../etc/passwd'],
    { exit: 10, code: 'not-found', message: /passwd/ },
  ],
  ['a volume in a volume', ['init', 'sub/deep'], { exit: 2, code: 'exists', message: /inside the volume/ }],
  ['a volume twice', ['init'], { exit: 2, code: 'exists', message: /already belongs to a volume/ }],
  ['PLAIT_LOCK_WAIT', ['status'], config(/--lock-wait in PLAIT_LOCK_WAIT/, /30s/), { PLAIT_LOCK_WAIT: 'soon' }],
  ['PLAIT_PROGRESS', ['status'], config(/--progress in PLAIT_PROGRESS/, /PLAIT_PROGRESS/), { PLAIT_PROGRESS: 'blue' }],
  ['PLAIT_MAX_DELETE', ['snapshot'], config(/PLAIT_MAX_DELETE/, /50%/), { PLAIT_MAX_DELETE: 'half' }],
];

/** `cat` and `export` write bytes: they have no JSON form at all. */
const RAW = new Set(['cat']);

describe('e2e: wrong words end in their exit code, a sentence and a way out', function () {
  this.timeout(120_000);
  let lab: Lab;
  let work: string;
  before(async () => {
    lab = new Lab();
    work = await lab.volume('work');
    mkdirSync(join(work, 'sub'));
    mkdirSync(lab.path('empty'));
    mkdirSync(lab.path('sources/format'), { recursive: true });
    writeFileSync(join(work, 'a.txt'), 'hello');
    await lab.in('work', ['snapshot']);
  });
  after(() => lab[Symbol.asyncDispose]());

  const check = async (cwd: string, [what, argv, wanted, env]: Row): Promise<void> => {
    if (RAW.has(argv[0])) assertTextFailure(await plait(argv, { cwd, env }), wanted, what);
    else await fails(argv, wanted, { cwd, env });
  };
  for (const row of OUTSIDE) it(`${row[0]}: exit ${row[2].exit}`, () => check(lab.dir, row));
  for (const row of INSIDE) it(`${row[0]}: exit ${row[2].exit}`, () => check(work, row));

  it('cat and export refuse --json, wherever it comes from', async () => {
    const wanted = usage(/raw bytes/, /leave --json/);
    for (const argv of [
      ['cat', 'main', 'a.txt'],
      ['export', 'main', '-'],
    ]) {
      const ends = [
        await plait(['--json', ...argv], { cwd: work }),
        await plait(argv, { cwd: work, env: { PLAIT_JSON: '1' } }),
      ];
      for (const end of ends) {
        assert.equal(end.exit, 2);
        assert.match(JSON.parse(end.stdout).error.message, wanted.message);
      }
    }
  });

  it('a bad value in the config names the key and the store, and can still be mended', async () => {
    const other = await lab.volume('other');
    await lab.in('other', ['config', 'set', 'lock-wait', '5s']);
    const db = new (await import('node:sqlite')).DatabaseSync(join(other, '.plait/meta.db'));
    const table = db
      .prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")
      .all()
      .map((row) => row.name);
    assert.ok(table.includes('settings') || table.length > 0);
    db.close();
    await fails(['config', 'set', 'push.max-delete', 'many'], config(/push\.max-delete/, /50%|5%/), { cwd: other });
    assert.equal((await lab.in('other', ['config', 'get', 'lock-wait'])).value, '5s');
  });

  it('an ambiguous reference lists its candidates', async () => {
    for (const i of [1, 2]) await lab.in('work', ['snapshot', '--name', 'twin', '-m', `take ${i}`]);
    const error = await fails(
      ['log', 'twin'],
      { exit: 2, code: 'ambiguous-reference', message: /twin/, hint: /\S/ },
      { cwd: work },
    );
    assert.equal((error.data as { candidates: unknown[] }).candidates.length, 2);
  });

  it('secrets in a URL are not repeated', async () => {
    for (const url of ['http://u:hunter2@h/', 'http://h/?token=hunter2', 'http://h/#hunter2', 'ssh://u:hunter2@h']) {
      const { stdout, stderr } = await plait(['remote', 'add', 'o', url], { cwd: work });
      assert.doesNotMatch(stdout + stderr, /hunter2/, url);
    }
  });

  it('afterwards the store is whole and nothing lies about', async () => {
    await lab.verify(join(work, '.plait'));
    assert.equal(existsSync(lab.path('nowhere')), false);
    assert.equal(existsSync(join(work, 'sub/deep')), false);
    assert.deepEqual((await lab.in('work', ['status'])).clean, true);
  });
});
