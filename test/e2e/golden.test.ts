/**
 * What every command of the contract prints, on both streams: success, usage error, network error, SIGINT; as text and
 * with --json, where every line of both streams parses. Kept in test/fixtures/golden; after a change that is meant,
 * PLAIT_UPDATE_GOLDEN=1 writes them anew.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { blockOf, CONTRACT, normalized, type Printed, runHere } from './helpers/golden.ts';
import { type Hub, Lab } from './helpers/lab.ts';

const FOLDER = join(import.meta.dirname, '../fixtures/golden');
const UPDATE = process.env['PLAIT_UPDATE_GOLDEN'] === '1';

interface Example {
  /** As text, and with --json; what changes something has another one for that. */
  ok: string[];
  json?: string[];
  /** Writes bytes, and refuses --json. */
  raw?: boolean;
  /** Another end of it, and its exit code. */
  also?: [argv: string, exit: number];
  /** Against a hub that is not there. */
  away?: string[];
  /** Ends well when it is told to stop, which is also how it is made to end here. */
  endless?: boolean;
  /** Only so many lines of it: what follows is made of all commands. */
  lines?: number;
}

/** Words with $ are filled in; all run in the working directory `desk` unless they say otherwise. */
const words = (text: string): string[] => text.split(' ');

const EXAMPLES: Record<string, Example> = {
  init: { ok: words('init $DIR/i1'), json: words('init $DIR/i2') },
  snapshot: {
    ok: words('snapshot -m third'),
    json: words('snapshot --name fourth --push origin'),
    away: words('snapshot --skip-unchanged --push dead'),
  },
  status: { ok: ['status'], away: words('-C $DIR/lost status --remote') },
  log: { ok: words('log -n 2') },
  diff: { ok: words('diff first main') },
  ls: { ok: words('ls first') },
  cat: { ok: words('cat first a'), raw: true },
  restore: { ok: words('restore first a --to $DIR/r1'), json: words('restore first a --to $DIR/r2') },
  'branch list': { ok: words('branch list') },
  'branch create': { ok: words('branch create n1 --from first'), json: words('branch create n2 --from first') },
  'branch rename': { ok: words('branch rename n1 m1'), json: words('branch rename n2 m2') },
  'branch delete': { ok: words('branch delete m1 --force'), json: words('branch delete m2 --force') },
  checkout: { ok: words('checkout main'), json: words('checkout main') },
  'volset list': { ok: words('volset list') },
  'volset rename': {
    ok: words('-C $DIR/i1 volset rename i1 j1'),
    json: words('-C $DIR/i2 volset rename i2 j2'),
  },
  'volset delete': {
    ok: words('-C $DIR --store $DIR/i1/.plait volset delete j1 --force'),
    json: words('-C $DIR --store $DIR/i2/.plait volset delete j2 --force'),
  },
  'remote add': { ok: words('remote add r1 $HUB/data'), json: words('remote add r2 $HUB/data') },
  'remote list': { ok: words('remote list') },
  'remote show': { ok: words('remote show origin'), away: words('remote show dead') },
  'remote rename': { ok: words('remote rename r1 s1'), json: words('remote rename r2 s2') },
  'remote set-url': { ok: words('remote set-url s1 $HUB/data') },
  'remote set-selection': { ok: words('remote set-selection s1 --branch main --tips') },
  'remote remove': { ok: words('remote remove s1'), json: words('remote remove s2') },
  clone: {
    ok: words('clone $HUB/data $DIR/c1'),
    json: words('clone $HUB/data $DIR/c2'),
    away: words('clone http://127.0.0.1:9/data $DIR/c3'),
  },
  fetch: { ok: ['fetch'], away: words('fetch dead') },
  push: { ok: ['push'], away: words('push dead') },
  pull: { ok: ['pull'], away: words('pull dead') },
  sync: { ok: ['sync'], away: words('sync dead') },
  update: { ok: words('update --description results'), json: words('update snapshot:first --description more') },
  'conflicts list': { ok: words('-C $DIR/other conflicts list') },
  'conflicts show': { ok: words('-C $DIR/other conflicts show $CONFLICT1') },
  'conflicts resolve': {
    ok: words('-C $DIR/other conflicts resolve $CONFLICT1 --current'),
    json: words('-C $DIR/other conflicts resolve $CONFLICT2 --target'),
  },
  merge: { ok: words('merge old') },
  'member list': { ok: words('member list') },
  'member retire': { ok: words('member retire $MEMBER') },
  'queue list': { ok: words('queue list') },
  'queue retry': { ok: words('queue retry origin') },
  'queue drop': { ok: words('queue drop dead'), json: words('queue drop dead') },
  serve: { ok: words('serve $DIR/served --listen 127.0.0.1:0'), endless: true },
  'token create': { ok: words('--store $DIR/bare token create --label one') },
  'token list': { ok: words('--store $DIR/bare token list') },
  'token revoke': {
    ok: words('--store $DIR/bare token revoke $TOKEN1'),
    json: words('--store $DIR/bare token revoke $TOKEN2'),
  },
  export: { ok: words('export first $DIR/x1.bundle'), raw: true },
  import: {
    ok: words('--store $DIR/bare import $DIR/x0.bundle'),
    json: words('--store $DIR/bare2 import $DIR/x0.bundle'),
  },
  verify: { ok: ['verify'] },
  gc: { ok: words('gc --dry-run') },
  drop: { ok: words('drop zero --dry-run') },
  forget: { ok: words('forget zero --dry-run') },
  watch: { ok: ['watch'], endless: true },
  hold: { ok: ['hold'] },
  release: { ok: ['release'] },
  doctor: { ok: words('-C $DIR/lost doctor'), also: ['doctor', 18] },
  migrate: { ok: words('migrate --dry-run') },
  'config get': { ok: words('config get label') },
  'config set': { ok: words('config set label here') },
  'config list': { ok: words('config list') },
  'config unset': { ok: words('config unset creator'), json: words('config unset label') },
  completion: { ok: words('completion bash'), lines: 3 },
  version: { ok: ['version'] },
};

describe('e2e: golden outputs', function () {
  this.timeout(180_000);
  let lab: Lab;
  let hub: Hub;
  const names: Record<string, string> = {};

  const at = (name: string): string => lab.path(name);
  const fill = (argv: readonly string[]): string[] =>
    argv.map((word) => word.replace(/\$([A-Z0-9]+)/g, (_, name: string) => names[name] ?? name));
  const run = (argv: readonly string[], interrupt = false): Promise<Printed> =>
    runHere(fill(argv), { cwd: at('desk'), state: at('state'), interrupt });
  /** Of the setting-up: it has to go well. */
  async function done(text: string, ...exits: number[]) {
    const { exit, stdout, stderr } = await run([...words(text), '--json']);
    assert.ok([0, ...exits].includes(exit), `${text}: ${exit} ${stdout} ${stderr}`);
    return JSON.parse(stdout);
  }

  before(async () => {
    lab = new Lab();
    hub = await lab.hub();
    for (const name of ['desk', 'desk/b', 'state']) mkdirSync(at(name));
    Object.assign(names, { DIR: lab.dir, HUB: hub.url });
    writeFileSync(at('desk/a'), 'one\n');
    writeFileSync(at('desk/b/c'), 'two\n');
    await done('init . --volset data');
    await done('config set creator ana@here');
    await done('config set label here');
    await done('remote add origin $HUB/data');
    await done('remote add dead http://127.0.0.1:9/data');
    await done('snapshot --name zero');
    await done('snapshot --name first');
    await done('branch create old');
    writeFileSync(at('desk/a'), 'three\n');
    await done('snapshot -m second --push origin');
    await done('clone $HUB/data $DIR/other');
    await done('clone $HUB/data $DIR/lost');
    await done('-C $DIR/lost remote set-url origin http://127.0.0.1:9/data');
    // One after the other, so that the newer of the two conflicts is known.
    for (const edit of ['--description', '--attr who=']) {
      for (const dir of ['desk', 'other']) {
        const word = edit.endsWith('=') ? `${edit}${dir}` : `${edit} ${dir}`;
        await done(`-C $DIR/${dir} update ${word}`);
        await done(`-C $DIR/${dir} sync`, 5);
      }
      await done('sync', 5);
    }
    const { conflicts } = await done('-C $DIR/other conflicts list');
    Object.assign(names, { CONFLICT1: conflicts[0].id, CONFLICT2: conflicts[1].id });
    await done('init --bare $DIR/bare');
    await done('init --bare $DIR/bare2');
    assert.equal((await run(words('export first $DIR/x0.bundle'))).exit, 0);
    for (const n of [1, 2]) {
      names[`TOKEN${n}`] = (await done('--store $DIR/bare token create --can read --expires 1d')).id;
    }
    names['MEMBER'] = (await done('member list')).members.at(-1)?.store ?? 'nobody';
  });
  after(() => lab[Symbol.asyncDispose]());

  const shown = ({ exit, stdout, stderr }: Printed, lines = Number.POSITIVE_INFINITY): Printed => {
    const kept = stdout.split('\n').slice(0, lines).join('\n');
    const short = kept.length < stdout.length ? `${kept}\n…\n` : stdout;
    const given = { DIR: lab.dir, HUB: hub.url };
    return { exit, stdout: normalized(short, given), stderr: normalized(stderr, given) };
  };

  /** Each line, of both streams. */
  function assertParses({ stdout, stderr }: Printed, what: string): void {
    for (const line of `${stdout}\n${stderr}`.split('\n')) {
      if (line === '') continue;
      assert.doesNotThrow(() => JSON.parse(line), `${what}: ${line}`);
    }
  }

  async function blocksOf(name: string, example: Example): Promise<string> {
    const { ok, json = ok, also, away, raw = false, endless = false, lines } = example;
    const blocks: string[] = [];
    const add = async (title: string, argv: string[], interrupt = false): Promise<Printed> => {
      const printed = await run(argv, interrupt);
      if (argv.includes('--json')) assertParses(printed, argv.join(' '));
      const long = argv.includes('--json') ? undefined : lines;
      blocks.push(
        blockOf(title, argv, lines !== undefined && long === undefined ? cutJson(printed) : shown(printed, long)),
      );
      return printed;
    };
    const right = async (title: string, argv: string[]): Promise<void> => {
      const { exit, stdout, stderr } = await add(title, argv, endless);
      assert.equal(exit, 0, `${argv.join(' ')}: ${stdout}${stderr}`);
    };
    await right('success', ok);
    if (!raw) await right('success', [...json, '--json']);
    else assert.equal((await add('usage error', [...ok, '--json'])).exit, 2);
    for (const more of [[], ['--json']]) {
      assert.equal((await add('usage error', [...words(name), '--nonsense', ...more])).exit, 2);
      if (also) assert.equal((await add('another end', [...words(also[0]), ...more])).exit, also[1]);
      if (away) assert.equal((await add('network error', [...away, ...more])).exit, 13, away.join(' '));
    }
    if (!endless)
      for (const more of raw ? [[]] : [[], ['--json']]) {
        assert.equal((await add('SIGINT', [...ok, ...more], true)).exit, 130);
      }
    return blocks.join('\n');
  }

  const cutJson = (printed: Printed): Printed => ({ ...printed, stdout: `${printed.stdout.slice(0, 40)}…\n` });

  it('there is an example of each command of the contract', () => {
    assert.deepEqual(
      Object.keys(EXAMPLES).sort(),
      Object.keys(CONTRACT.commands)
        .filter((name) => CONTRACT.commands[name].issue <= 6)
        .sort(),
    );
  });

  for (const [name, example] of Object.entries(EXAMPLES)) {
    it(`plait ${name}`, async () => {
      const found = await blocksOf(name, example);
      const file = join(FOLDER, `${name.replaceAll(' ', '-')}.txt`);
      if (UPDATE) {
        mkdirSync(FOLDER, { recursive: true });
        writeFileSync(file, found);
      }
      assert.ok(existsSync(file), `no ${file}: write it with PLAIT_UPDATE_GOLDEN=1`);
      assert.equal(found, readFileSync(file, 'utf8'));
    });
  }
});
