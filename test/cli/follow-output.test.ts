import assert from 'node:assert/strict';
import { DEFAULT_OPTIONS, type Options } from '../../src/cli/context.ts';
import { FollowOutput } from '../../src/cli/follow-output.ts';
import { selectReporter } from '../../src/cli/reporter/select.ts';
import { PlaitError } from '../../src/core/errors.ts';
import { type KeptIo, keptIo } from './fakes.ts';
import { catchingUp, followEvent, inSync, moved, waiting } from './follow-events.ts';

interface Setup {
  options?: Partial<Options>;
  tty?: { stdout: boolean; stderr: boolean };
  io?: KeptIo;
  signal?: AbortSignal;
}

function outputTo({ options, tty, io = keptIo({ TERM: 'xterm' }), signal }: Setup = {}) {
  Object.assign(io.stdout, { isTTY: tty?.stdout ?? false });
  Object.assign(io.stderr, { isTTY: tty?.stderr ?? false });
  const all = { ...DEFAULT_OPTIONS, ...options };
  const context = {
    io,
    options: all,
    signal: signal ?? new AbortController().signal,
    reporter: selectReporter(all.progress, all.quiet, io),
    onClose: () => {},
  };
  return { io, output: new FollowOutput(context, { allVolsets: false }) };
}

const EVENTS = [
  waiting('down', 500),
  catchingUp(),
  followEvent({
    event: 'data',
    type: 'updated',
    pushed: { snapshots: 0, bytes: 0 },
    pulled: { snapshots: 1, bytes: 9 },
  }),
  moved(),
  followEvent({ event: 'problem', type: 'problem', object: 'branch:1', message: 'left out' }),
  inSync(),
];

async function play(setup: Setup): Promise<KeptIo> {
  const { io, output } = outputTo(setup);
  output.expect(['origin']);
  for (const event of EVENTS) output.take(event);
  await output.written();
  output[Symbol.dispose]();
  return io;
}

const NEWS = [
  'origin: waiting: down (next try in 500 ms)',
  'origin: connected, catching up',
  'origin: main 2899f387fbd2 -> 8c7990b58fcb',
  'problem: origin: left out',
];
const LOG = [
  ...NEWS.slice(0, 2),
  'origin: received 1 snapshot, 9 B',
  ...NEWS.slice(2),
  'origin: in sync at revision 41',
];

describe('cli: where the events of follow go', () => {
  it('--json: each as it came, a line each, whatever else was asked for', async () => {
    for (const options of [{ json: true }, { json: true, quiet: true }]) {
      const { stdout, stderr } = await play({ options, tty: { stdout: true, stderr: true } });
      assert.deepEqual(
        stdout.text
          .trimEnd()
          .split('\n')
          .map((line) => JSON.parse(line)),
        EVENTS,
      );
      assert.equal(stderr.text, '');
    }
  });

  it('without a terminal: a log, with nothing to redraw', async () => {
    const { stdout, stderr } = await play({});
    assert.deepEqual(stdout.text.trimEnd().split('\n'), LOG);
    assert.equal(stderr.text, '');
  });

  it('--quiet: problems', async () => {
    const { stdout, stderr } = await play({ options: { quiet: true }, tty: { stdout: true, stderr: true } });
    assert.equal(stdout.text, 'problem: origin: left out\n');
    assert.equal(stderr.text, '');
  });

  it('on a terminal: the news, above a status line that is gone at the end', async () => {
    const { stdout, stderr } = await play({ tty: { stdout: true, stderr: true } });
    assert.deepEqual(stdout.text.trimEnd().split('\n'), NEWS);
    assert.match(stderr.text, /\r\u001b\[Korigin: in sync at 41, last change \d\d:\d\d:\d\d\r\u001b\[K$/);
    assert.doesNotMatch(stderr.text, /\n/);
  });

  it('into a file, with the status line on the terminal: the log', async () => {
    const { stdout, stderr } = await play({ tty: { stdout: false, stderr: true } });
    assert.deepEqual(stdout.text.trimEnd().split('\n'), LOG);
    assert.match(stderr.text, /in sync at 41/);
  });

  for (const [what, setup] of [
    ['a dumb terminal', { io: keptIo({ TERM: 'dumb' }), tty: { stdout: true, stderr: true } }],
    ['--progress none', { options: { progress: 'none' }, tty: { stdout: true, stderr: true } }],
  ] as const) {
    it(`${what}: the log`, async () => {
      const { stdout, stderr } = await play(setup);
      assert.deepEqual(stdout.text.trimEnd().split('\n'), LOG);
      assert.equal(stderr.text, '');
    });
  }

  it('the status line fits the terminal, and shows what a phase has done', () => {
    const { io, output } = outputTo({ tty: { stdout: true, stderr: true } });
    Object.assign(io.stderr, { columns: 30 });
    output.take(waiting('a reason that is longer than any line of a narrow terminal', 1000));
    output[Symbol.dispose]();
    for (const line of io.stderr.text.split('\r\u001b[K')) assert.ok(line.length < 30, line);
    assert.match(io.stderr.text, /…/);
  });

  it('warnings of the engine stand above the status line', () => {
    const { io, output } = outputTo({ tty: { stdout: true, stderr: true }, io: keptIo({ NO_COLOR: '1' }) });
    output.take(inSync());
    output.reporter.warn('look');
    output[Symbol.dispose]();
    assert.match(io.stderr.text, /in sync at 41\r\u001b\[Kwarning: look\n\r\u001b\[Korigin: in sync at 41\r\u001b\[K$/);
  });

  it('ends the run when nobody reads', async () => {
    const { io, output } = outputTo({ options: { json: true } });
    io.stdout.write = async () => false;
    assert.equal(output.signal.aborted, false);
    output.take(inSync());
    await output.written();
    assert.equal(output.signal.aborted, true);
  });

  it('ends the run when its lines cannot be written, and fails with that', async () => {
    const { io, output } = outputTo();
    io.stdout.write = async () => {
      throw new PlaitError('no-space', 'full');
    };
    output.take(inSync());
    output.take(moved());
    await assert.rejects(output.written(), { code: 'no-space' });
    assert.equal(output.signal.aborted, true);
  });

  it('ends with the run', () => {
    const ending = new AbortController();
    const { output } = outputTo({ signal: ending.signal });
    ending.abort();
    assert.equal(output.signal.aborted, true);
  });
});
