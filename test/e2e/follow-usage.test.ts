/** What `sync --follow` refuses, and how it looks to people. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { Lab } from './helpers/lab.ts';
import { type Failure, fails } from './helpers/outcome.ts';
import { BIN, cleanEnv, type Ended, follow, LIMIT, type Running, startPlait } from './helpers/plait.ts';

const usage = (message: RegExp, hint: RegExp): Failure => ({ exit: 2, code: 'usage', message, hint });
const REFUSED: [argv: string[], wanted: Failure][] = [
  [['--follow', '--dry-run'], usage(/--dry-run is for a single run/, /leave one of the two out/)],
  [['--once'], usage(/--once is about --follow/, /plait sync --follow --once/)],
  [['origin', 'usb'], usage(/sync takes one remote/, /plait sync --follow --once origin usb/)],
  [['--follow', 'nope'], { exit: 10, code: 'not-found', message: /no remote nope/, hint: /origin/ }],
];

/** In a terminal of its own, with stdin, stdout and stderr on it. */
function onTerminal(argv: string[], env: Record<string, string> = {}): Running {
  const command = `stty cols 100 rows 30; exec "${process.execPath}" "${BIN}" ${argv.join(' ')}`;
  const environment = cleanEnv({ TERM: 'xterm', ...env });
  return follow(spawn('script', ['-qec', command, '/dev/null'], { env: environment, stdio: 'pipe', ...LIMIT }));
}

/** ^C, as the terminal passes it on. */
async function interrupt({ child, ended }: Running): Promise<Ended> {
  child.stdin?.write('\u0003');
  return ended;
}

describe('e2e: follow at the command line', function () {
  this.timeout(60_000);
  let lab: Lab;
  before(async () => {
    lab = new Lab();
    const hub = await lab.hub();
    await lab.volume('a', hub);
    writeFileSync(lab.path('a', 'file'), 'first');
    await lab.in('a', ['snapshot']);
  });
  after(() => lab[Symbol.asyncDispose]());

  for (const [argv, wanted] of REFUSED) {
    it(`sync ${argv.join(' ')}: exit ${wanted.exit}`, () => fails(['sync', ...argv], wanted, { cwd: lab.path('a') }));
  }

  it('a store without a remote, and one whose remotes are switched off', async () => {
    await lab.volume('lone');
    const cwd = lab.path('lone');
    await fails(['sync', '--follow'], usage(/no remote is known/, /plait remote add origin URL/), { cwd });
    await lab.in('lone', ['remote', 'add', 'usb', 'http://127.0.0.1:1']);
    await lab.in('lone', ['config', 'set', 'remote.usb.enabled', 'false']);
    await fails(['sync', '--follow'], usage(/no remote of this volume set is enabled/, /usb/), { cwd });
  });

  it('on a terminal: a status line that is rewritten, news above it, nothing left at the end', async () => {
    const running = onTerminal(['-C', lab.path('a'), 'sync', '--follow']);
    await running.output(/\r\u001b\[Korigin: in sync at \d+/);
    writeFileSync(lab.path('a', 'file'), 'second');
    const { snapshot } = await lab.in('a', ['snapshot']);
    await running.output(new RegExp(`origin: origin/main [0-9a-f]{12} -> ${snapshot.slice(0, 12)}\r\n`));
    await running.output(/\r\u001b\[Korigin: in sync at \d+, last change \d\d:\d\d:\d\d/);
    const { exit, stdout } = await interrupt(running);
    assert.equal(exit, 0);
    assert.match(stdout, /\r\u001b\[K$/);
    assert.doesNotMatch(stdout, /\n\r?\n|error/);
  });

  it('on a terminal with --json: events and nothing else', async () => {
    const running = onTerminal(['-C', lab.path('a'), 'sync', '--follow', '--json']);
    await running.output(/"in-sync"/);
    const { exit, stdout } = await interrupt(running);
    assert.equal(exit, 0);
    for (const line of stdout.replace('^C', '').split('\r\n')) if (line !== '') JSON.parse(line);
    assert.doesNotMatch(stdout, /\u001b/);
  });

  it('without a terminal: a line for each thing, with nothing to redraw', async () => {
    const running = startPlait(['-C', lab.path('a'), 'sync', '--follow']);
    await running.output(/^origin: in sync at revision \d+$/m);
    writeFileSync(lab.path('a', 'file'), 'third');
    const { snapshot } = await lab.in('a', ['snapshot']);
    await running.output(new RegExp(`^origin: origin/main [0-9a-f]{12} -> ${snapshot.slice(0, 12)}$`, 'm'));
    running.child.kill('SIGTERM');
    const { exit, stdout, stderr } = await running.ended;
    assert.deepEqual([exit, stderr], [0, '']);
    assert.match(stdout, /^origin: sent 1 snapshot, \d+ B$/m);
    assert.doesNotMatch(stdout, /[\r\u001b]/);
  });
});
