import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { BIN, cleanEnv, type Ended, follow, LIMIT, plait, type Running, startPlait } from '../e2e/helpers/plait.ts';

const script = join(import.meta.dirname, 'programs/probe.ts');
const probe = (argv: string[], env?: Record<string, string>): Promise<Ended> => plait(argv, { script, env });
const start = (argv: string[]): Running => startPlait(argv, { script });

/** Under a shell, for pipes; the status of the program itself goes to stderr. */
function shell(command: string, env: Record<string, string> = {}): Promise<Ended> {
  return follow(
    spawn('bash', ['-c', command], { env: cleanEnv({ NODE: process.execPath, BIN, PROBE: script, ...env }), ...LIMIT }),
    '',
  ).ended;
}

describe('process: the program', () => {
  it('takes global flags before and after the verb', async () => {
    for (const argv of [
      ['--json', '-C', '/', 'version'],
      ['version', '-C', '/', '--json'],
      ['-C/', '--store=/x', 'version', '--json'],
    ]) {
      const { exit, stdout } = await plait(argv);
      assert.equal(exit, 0);
      assert.match(JSON.parse(stdout).version, /^\d+\.\d+\.\d+/);
    }
  });

  it('tells its version the short way and the long way', async () => {
    const runs = await Promise.all(
      [['--version'], ['version'], ['--quiet', '--version'], ['version', '--quiet']].map((a) => plait(a)),
    );
    for (const { exit, stdout } of runs) {
      assert.equal(exit, 0);
      assert.match(stdout, /^plait \d+\.\d+\.\d+\n$/);
    }
  });

  const wrong: [argv: string[], message: RegExp, hint: RegExp][] = [
    [['versoin'], /no command plait versoin/, /did you mean `plait version`/],
    [['config', 'lst'], /no command plait config lst/, /did you mean `plait config list`/],
    [['config'], /plait config needs to be told what to do/, /one of: get, list, set, unset/],
    [['--nonsense', 'version'], /no flag --nonsense before the command/, /plait --help/],
    [['version', '--nonsense'], /no flag --nonsense/, /plait version --help/],
    [['../../etc'], /no command plait/, /plait --help/],
    [['-C'], /-C needs a value/, /plait --help/],
  ];
  for (const [argv, message, hint] of wrong) {
    it(`plait ${argv.join(' ')}: exit 2, as text and as JSON`, async () => {
      const [text, json] = await Promise.all([plait(argv), plait(argv, { env: { PLAIT_JSON: '1' } })]);
      assert.deepEqual([text.exit, json.exit], [2, 2]);
      assert.equal(text.stdout, '');
      assert.match(text.stderr, message);
      assert.match(text.stderr, hint);
      const { error } = JSON.parse(json.stdout);
      assert.match(error.message, message);
      assert.equal(error.exit, 2);
      assert.equal(json.stderr, '');
    });
  }

  it('helps: on all, on a topic, on a command; without escape codes into a pipe', async () => {
    const asks: [argv: string[], text: RegExp][] = [
      [[], /COMMANDS[\s\S]*version/],
      [['--help'], /COMMANDS[\s\S]*version/],
      [['help', 'version'], /GLOBAL FLAGS/],
      [['version', '-h'], /GLOBAL FLAGS/],
      [['config', '--help'], /config set/],
      [['config', 'set', '--help'], /push\.max-delete/],
    ];
    const runs = await Promise.all(asks.map(([argv]) => plait(argv)));
    runs.forEach(({ exit, stdout, stderr }, i) => {
      assert.equal(exit, 0, stderr);
      assert.match(stdout, asks[i][1]);
      assert.doesNotMatch(stdout + stderr, /[\u001b\r]/);
    });
  });

  it('offers completion that a shell accepts', async () => {
    const bash = await shell(
      'source <("$NODE" "$BIN" completion bash) && COMP_WORDS=(plait con) COMP_CWORD=1 && _plait && echo "${COMPREPLY[*]}"; COMP_WORDS=(plait config set --loc) COMP_CWORD=3; _plait; echo "${COMPREPLY[*]}"',
    );
    assert.equal(bash.stdout, 'config conflicts\n--lock-wait\n', bash.stderr);
    const zsh = await plait(['completion', 'zsh']);
    assert.match(
      zsh.stdout,
      /^#compdef plait\n[\s\S]*'--progress\[[^\]]+\]:auto\|plain\|json\|none:\(auto plain json none\)'/,
    );
  });
});

describe('process: output', () => {
  it('arrives complete through a pipe', async () => {
    const { stdout, stderr } = await shell(
      '"$NODE" "$PROBE" lines | (read -r first; wc -l); echo "${PIPESTATUS[0]}" >&2',
    );
    assert.equal(stdout.trim(), '59999');
    assert.equal(stderr, '0\n');
    assert.equal(JSON.parse((await probe(['document', '--json'])).stdout).lines.length, 60_000);
  });

  it('ends quietly when the reader goes', async () => {
    const { stdout, stderr } = await shell('"$NODE" "$PROBE" forever | head -n 1; echo "${PIPESTATUS[0]}" >&2');
    assert.match(stdout, /^line 0 .*\n$/);
    assert.equal(stderr, '0\n');
  });

  it('ends though something was left running', async () => {
    const { exit, stdout } = await probe(['leak']);
    assert.deepEqual([exit, stdout], [3, 'done\n']);
  });

  it('tells of a fault outside of the command', async () => {
    const [text, json] = await Promise.all([probe(['crash']), probe(['crash', '--json'])]);
    assert.deepEqual([text.exit, json.exit], [1, 1]);
    assert.match(text.stderr, /^error: lost\nhint: this is a bug in plait/);
    assert.equal(JSON.parse(json.stdout).error.code, 'unexpected');
  });
});

describe('process: signals', () => {
  for (const [signal, exit] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    it(`${signal} stops the run, exit ${exit}`, async () => {
      const { child, output, ended } = start(['polite']);
      await output(/ready/);
      child.kill(signal);
      const end = await ended;
      assert.equal(end.exit, exit);
      assert.match(end.stderr, new RegExp(`error: interrupted by ${signal}`));
    });

    it(`a second ${signal} kills`, async () => {
      const { child, output, ended } = start(['deaf']);
      await output(/ready/);
      child.kill(signal);
      await output(/heard/);
      child.kill(signal);
      assert.equal((await ended).signal, signal);
    });
  }

  it('reports an interrupted run as JSON with the same code', async () => {
    const { child, output, ended } = start(['polite', '--json']);
    await output(/ready/);
    child.kill('SIGTERM');
    const { exit, stdout } = await ended;
    const { error } = JSON.parse(stdout);
    assert.deepEqual([exit, error.exit, error.code], [143, 143, 'interrupted']);
  });
});

describe('process: a terminal', () => {
  /** In a terminal of its own, with stdin, stdout and stderr on it. */
  function onTerminal(env: Record<string, string>, columns = 100): Running {
    const command = `stty cols ${columns} rows 30; exec "${process.execPath}" "${script}" busy`;
    const environment = cleanEnv({ TERM: 'xterm', ...env });
    return follow(spawn('script', ['-qec', command, '/dev/null'], { env: environment, stdio: 'pipe', ...LIMIT }));
  }

  it('shows live progress', async () => {
    const { child, output, ended } = onTerminal({});
    await output(/packing 45% 45\/100/);
    child.stdin?.write('q\n');
    const { stdout } = await ended;
    assert.match(stdout, /packed all\r\n/);
    assert.match(stdout, /done\r\n/);
    // The cursor that ora hides is shown again.
    assert.ok(stdout.lastIndexOf('\u001b[?25h') > stdout.lastIndexOf('\u001b[?25l'));
  });

  it('obeys NO_COLOR', async () => {
    const { child, output, ended } = onTerminal({ NO_COLOR: '1' });
    await output(/packing 45%/);
    child.stdin?.write('q\n');
    assert.doesNotMatch((await ended).stdout, /\u001b\[[0-9;]*m/);
  });

  it('does without on a terminal that has no width', async () => {
    const { child, ended } = onTerminal({}, 0);
    child.stdin?.write('q\n');
    assert.match((await ended).stdout, /^q\r\ndone\r\n$/);
  });

  it('is silent without one', async () => {
    const { exit, stdout, stderr } = await plait(['busy'], { script, input: 'q\n' });
    assert.deepEqual([exit, stdout, stderr], [0, 'done\n', '']);
  });
});
