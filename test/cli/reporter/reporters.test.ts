import assert from 'node:assert/strict';
import { describe as describeProgress, fraction, startProgress } from '../../../src/cli/reporter/progress.ts';
import type { ProgressMode } from '../../../src/cli/reporter/select.ts';
import { selectReporter, wantsColor } from '../../../src/cli/reporter/select.ts';
import { keyOfText } from '../../../src/core/paths.ts';
import type { Reporter } from '../../../src/core/reporter.ts';
import { type KeptIo, keptIo } from '../fakes.ts';

/** A clock that the test moves. */
function clock(): { now: () => number; pass: (ms: number) => void } {
  let time = 0;
  return { now: () => time, pass: (ms) => (time += ms) };
}

interface Session {
  io: KeptIo;
  reporter: Reporter;
  pass: (ms: number) => void;
}

function session(mode: ProgressMode, { quiet = false, tty = false, env = {} } = {}): Session {
  const io = keptIo(env, tty);
  const { now, pass } = clock();
  return { io, reporter: selectReporter(mode, quiet, io, now), pass };
}

/** One phase with progress, a note and a warning. */
function play({ reporter, pass }: Session): void {
  const phase = reporter.phase('packing', { items: 10 });
  phase.total({ bytes: 4096 });
  phase.advance({ items: 1, bytes: 1024, path: keyOfText('src/a.c') });
  pass(6000);
  phase.advance({ items: 4, bytes: 1024, path: keyOfText('src/b\n.c') });
  reporter.note('a note');
  reporter.warn('a warning');
  phase.end();
}

describe('cli: progress', () => {
  it('plain: lines with percent, count, rate, time to go and path', () => {
    const s = session('plain');
    play(s);
    assert.deepEqual(s.io.stderr.text.split('\n'), [
      'packing',
      'packing 50% 5/10 2.0 KiB 341 B/s ETA 6.0 s "src/b\\n.c"',
      'a note',
      'warning: a warning',
      'packing: 5, 2.0 KiB, 6.0 s',
      '',
    ]);
  });

  it('json: one document a line, paths exact', () => {
    const s = session('json');
    play(s);
    const lines = s.io.stderr.text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.deepEqual(
      lines.map((line) => line.type),
      ['start', 'progress', 'note', 'warning', 'end'],
    );
    assert.deepEqual(lines[1], {
      type: 'progress',
      phase: 'packing',
      items: 5,
      bytes: 2048,
      totalItems: 10,
      totalBytes: 4096,
      percent: 50,
      bytesPerSecond: 341,
      etaMs: 6000,
      elapsedMs: 6000,
      path: 'src/b\n.c',
    });
  });

  for (const [what, mode, options] of [
    ['auto without a terminal', 'auto', {}],
    ['none', 'none', { tty: true }],
    ['--quiet', 'plain', { quiet: true, tty: true }],
    ['auto on a dumb terminal', 'auto', { tty: true, env: { TERM: 'dumb' } }],
  ] as const) {
    it(`${what}: warnings only`, () => {
      const s = session(mode, options);
      play(s);
      assert.equal(s.io.stderr.text, 'warning: a warning\n');
      assert.equal(s.io.stdout.text, '');
    });
  }

  it('auto on a terminal: a short phase leaves no trace, notes and warnings stay', () => {
    const s = session('auto', { tty: true, env: { NO_COLOR: '1' } });
    play(s);
    assert.equal(s.io.stderr.text, 'a note\nwarning: a warning\n');
  });

  it('shows no share without a total and never more than all', () => {
    const progress = startProgress('x', undefined, 0);
    assert.equal(fraction(progress), undefined);
    assert.equal(describeProgress(progress, 5000), 'x');
    progress.totals.bytes = 10;
    progress.bytes = 20;
    assert.equal(fraction(progress), 1);
  });

  it('colours only a terminal, and not against NO_COLOR', () => {
    assert.equal(wantsColor(keptIo({}, true).stderr, {}), true);
    assert.equal(wantsColor(keptIo({}, true).stderr, { NO_COLOR: '1' }), false);
    assert.equal(wantsColor(keptIo({}, true).stderr, { NO_COLOR: '' }), true);
    assert.equal(wantsColor(keptIo().stderr, {}), false);
  });
});
