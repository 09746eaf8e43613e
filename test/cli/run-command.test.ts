import assert from 'node:assert/strict';
import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand, type CommandClass } from '../../src/cli/base-command.ts';
import type { CommandResult } from '../../src/cli/command-result.ts';
import { percent } from '../../src/cli/flags.ts';
import { runCommand } from '../../src/cli/run-command.ts';
import { PlaitError } from '../../src/core/errors.ts';
import { contextWith, keptIo, memoryConfig } from './fakes.ts';

/** Does what the test says, with flags of each sort. */
class Probe extends BaseCommand {
  static override id = 'probe:it';
  static override flags = {
    'max-delete': percent({}),
    mode: Flags.string({ options: ['a', 'b'] }),
    attr: Flags.string({ multiple: true }),
    'dry-run': Flags.boolean(),
  };
  static override args = { first: Args.string(), second: Args.string() };
  static act: (probe: Probe) => CommandResult | Promise<CommandResult> = () => ({ result: {} });

  async run(): Promise<CommandResult> {
    return Probe.act(this);
  }

  get parsed_(): { flags: Record<string, unknown>; args: Record<string, unknown> } {
    return this.input(Probe);
  }
}

interface Run {
  exit: number;
  stdout: string;
  stderr: string;
  flags: Record<string, unknown>;
  args: Record<string, unknown>;
}

interface Setup {
  env?: Record<string, string>;
  config?: Record<string, string>;
  act?: (probe: Probe) => CommandResult | Promise<CommandResult>;
  cls?: CommandClass;
}

async function run(argv: string, { env, config, act, cls = Probe }: Setup = {}): Promise<Run> {
  const io = keptIo(env);
  let seen: Pick<Run, 'flags' | 'args'> = { flags: {}, args: {} };
  Probe.act = (probe) => {
    seen = probe.parsed_;
    return act ? act(probe) : { result: { done: true }, text: 'done' };
  };
  const words = argv.split(' ').filter((word) => word !== '');
  const exit = await runCommand(cls, words, io, contextWith(config && memoryConfig(config)));
  return { exit, stdout: io.stdout.text, stderr: io.stderr.text, flags: seen.flags, args: seen.args };
}

describe('cli: a run and its output', () => {
  it('prints text without --json and the document with it', async () => {
    assert.deepEqual((await run('')).stdout, 'done\n');
    assert.equal((await run('--json')).stdout, '{"done":true}\n');
    assert.equal((await run('', { env: { PLAIT_JSON: 'yes' } })).stdout, '{"done":true}\n');
    assert.equal((await run('', { config: { json: 'true' } })).stdout, '{"done":true}\n');
  });

  it('makes the exit code from the worst outcome, the same with --json', async () => {
    const act = () => ({ result: { partial: true }, exits: [0, 3, 6] });
    for (const argv of ['', '--json']) assert.equal((await run(argv, { act })).exit, 6);
    assert.equal((await run('--json', { act })).stdout, '{"partial":true}\n');
  });

  it('asks for text only when it is needed', async () => {
    let asked = 0;
    const act = () => ({ result: {}, text: () => `${++asked}` });
    await run('--json', { act });
    assert.equal(asked, 0);
    assert.equal((await run('', { act })).stdout, '1\n');
  });

  it('refuses --json for raw bytes', async () => {
    class Raw extends Probe {
      static override output = 'raw' as const;
    }
    const { exit, stdout } = await run('--json', { cls: Raw });
    assert.equal(exit, 2);
    assert.match(stdout, /^\{"error":\{"code":"usage","message":"`plait probe it` writes raw bytes/);
    assert.equal((await run('', { cls: Raw, config: { json: 'true' } })).stdout, 'done\n');
  });

  it('closes what was opened, last first, also after a failure', async () => {
    const closed: string[] = [];
    const act = (probe: Probe): CommandResult => {
      probe.context.onClose(() => void closed.push('store'));
      probe.context.onClose(() => void closed.push('peer'));
      throw new PlaitError('busy', 'taken');
    };
    assert.equal((await run('', { act })).exit, 11);
    assert.deepEqual(closed, ['peer', 'store']);
  });
});

describe('cli: failures', () => {
  const rows: [what: string, error: () => unknown, exit: number, code: string, stderr: RegExp][] = [
    [
      'a known one',
      () => new PlaitError('not-found', 'no x', { hint: 'make x' }),
      10,
      'not-found',
      /^error: no x\nhint: make x\n$/,
    ],
    [
      'without a hint of its own',
      () => new PlaitError('network', 'gone'),
      13,
      'network',
      /^error: gone\nhint: try again later/,
    ],
    ['hostile text', () => new PlaitError('network', 'a\u001b[2Jb'), 13, 'network', /^error: "a\\u001b\[2Jb"\nhint: /],
    [
      'a bug',
      () => new TypeError('x is not a function'),
      1,
      'unexpected',
      /^error: x is not.*\nhint: this is a bug in plait/,
    ],
    ['no Error at all', () => 'text', 1, 'unexpected', /bug in plait/],
    [
      'a full disk',
      () => Object.assign(new Error('ENOSPC: no space'), { code: 'ENOSPC' }),
      15,
      'no-space',
      /hint: make room/,
    ],
    [
      'an unreadable file',
      () => Object.assign(new Error('EACCES: x'), { code: 'EACCES' }),
      1,
      'io',
      /hint: see whether/,
    ],
    [
      'an abort',
      () => new DOMException('stopped', 'AbortError'),
      130,
      'interrupted',
      /^error: interrupted\nhint: run the command again.*\n$/,
    ],
  ];
  for (const [what, error, exit, code, stderr] of rows) {
    it(`${what}: exit ${exit}, as text and as JSON`, async () => {
      const act = (): never => {
        throw error();
      };
      const text = await run('', { act });
      assert.equal(text.exit, exit);
      assert.match(text.stderr, stderr);
      assert.equal(text.stdout, '');
      const json = await run('--json', { act });
      assert.equal(json.exit, exit);
      assert.equal(json.stderr, '');
      const document = JSON.parse(json.stdout);
      assert.deepEqual(Object.keys(document), ['error']);
      assert.deepEqual(Object.keys(document.error), ['code', 'message', 'hint', 'exit', 'data']);
      assert.equal(document.error.code, code);
      assert.equal(document.error.exit, exit);
    });
  }

  it('keeps the result document of a guard beside its error', async () => {
    const act = (): never => {
      throw new PlaitError('guard', 'too much', { hint: '--max-delete', data: { result: { deleted: 9 }, limit: 0.5 } });
    };
    const { exit, stdout } = await run('--json', { act });
    assert.equal(exit, 9);
    const { deleted, error } = JSON.parse(stdout);
    assert.deepEqual([deleted, error.code, error.data], [9, 'guard', { limit: 0.5 }]);
  });

  it('adds stacks and causes under PLAIT_DEBUG=1', async () => {
    const act = (): never => {
      throw new PlaitError('io', 'outer', { cause: new Error('inner') });
    };
    const { stderr } = await run('', { act, env: { PLAIT_DEBUG: '1' } });
    assert.match(stderr, /PlaitError: outer\n +at [\s\S]*caused by: Error: inner\n +at /);
  });
});

describe('cli: usage errors are one line, a hint and exit 2', () => {
  const rows: [argv: string, message: RegExp][] = [
    ['--nonsense', /^no flag --nonsense$/],
    ['--max-delte 5%', /^no flag --max-delte$/],
    ['--nonsense=1', /^no flag --nonsense=1$/],
    ['a b c', /^unexpected argument: c$/],
    ['--mode', /^flag --mode expects one of these values: a, b$/],
    ['--mode x', /^expected --mode=x to be one of: a, b$/],
    ['--max-delete', /^flag --max-delete expects a value$/],
    ['--max-delete many', /^bad value for --max-delete: not a percentage: "many"$/],
    ['--max-delete --json', /^flag --max-delete expects a value$/],
    ['--mode a --mode b', /^flag --mode can only be specified once$/],
    ['--json=x', /^--json takes no value$/],
    ['--dry-run=false', /^--dry-run takes no value$/],
  ];
  for (const [argv, message] of rows) {
    it(argv, async () => {
      const { exit, stdout } = await run(`${argv} --json`);
      const { error } = JSON.parse(stdout);
      assert.equal(exit, 2);
      assert.match(error.message, message);
      assert.ok(error.hint);
      assert.ok(stdout.length < 500, stdout);
    });
  }

  it('suggests the flag that was meant', async () => {
    assert.match((await run('--max-delte 5%')).stderr, /hint: did you mean --max-delete\?/);
  });

  it('lets repeatable flags take one value each and reads no argument from stdin', async () => {
    const { flags, args } = await run('--attr a=1 --attr b=2 one');
    assert.deepEqual(flags.attr, ['a=1', 'b=2']);
    assert.deepEqual({ ...args }, { first: 'one' });
  });
});

describe('cli: flag > environment > config > default', () => {
  const config = { 'probe-it.max-delete': '30%', 'probe-it.dry-run': 'true' };
  const env = { PLAIT_PROBE_IT_MAX_DELETE: '20%' };

  it('takes the nearest', async () => {
    assert.equal((await run('--max-delete 10%', { env, config })).flags['max-delete'], 0.1);
    assert.equal((await run('', { env, config })).flags['max-delete'], 0.2);
    assert.equal((await run('', { config })).flags['max-delete'], 0.3);
    assert.equal((await run('')).flags['max-delete'], undefined);
    assert.equal((await run('', { config })).flags['dry-run'], true);
    assert.deepEqual((await run('', { env: { PLAIT_PROBE_IT_ATTR: 'a=1, b=2' } })).flags.attr, ['a=1', 'b=2']);
  });

  it('fills the global options', async () => {
    const act = ({ context }: Probe): CommandResult => ({ result: { ...context.options, dir: context.place } });
    const given = { PLAIT_LOCK_WAIT: '5s', PLAIT_DIR: '/usr', PLAIT_STORE: 's' };
    const { stdout } = await run('--json --progress plain', { act, env: given, config: { quiet: 'on' } });
    assert.deepEqual(JSON.parse(stdout), {
      json: true,
      quiet: true,
      progress: 'plain',
      lockWaitMs: 5000,
      dir: { dir: '/usr', store: '/usr/s' },
    });
  });

  const bad: [env: Record<string, string>, config: Record<string, string>, origin: RegExp][] = [
    [{ PLAIT_LOCK_WAIT: 'soon' }, {}, /--lock-wait in PLAIT_LOCK_WAIT: not a duration: "soon"/],
    [{ PLAIT_JSON: 'perhaps' }, {}, /--json in PLAIT_JSON: not a truth value/],
    [{ PLAIT_PROGRESS: 'loud' }, {}, /--progress in PLAIT_PROGRESS: loud is not one of auto, plain, json, none/],
    [{}, { 'probe-it.mode': 'c' }, /--mode in config key probe-it.mode \(memory\): c is not one of a, b/],
    [{}, { 'lock-wait': '' }, /--lock-wait in config key lock-wait \(memory\): not a duration/],
  ];
  for (const [badEnv, badConfig, origin] of bad) {
    it(`names the origin: ${JSON.stringify({ ...badEnv, ...badConfig })}`, async () => {
      const { exit, stderr } = await run('', { env: badEnv, config: badConfig });
      assert.equal(exit, 2);
      assert.match(stderr, origin);
    });
  }

  it('does not take the place of the store from the store', async () => {
    const act = ({ context }: Probe): CommandResult => ({ result: context.place });
    assert.deepEqual(JSON.parse((await run('--json', { act, config: { store: '/x', C: '/y' } })).stdout), { dir: '/' });
  });
});
