/** A program like plait with commands that behave in ways no real one should. First argument: how. */
import { BaseCommand } from '../../../src/cli/base-command.ts';
import type { CommandResult } from '../../../src/cli/command-result.ts';
import { runToEnd } from '../../../src/cli/main.ts';
import { runCommand } from '../../../src/cli/run-command.ts';

function* lines(count: number): Generator<string> {
  for (let i = 0; i < count; i++) yield `line ${i} of a listing that is long enough to fill any pipe`;
}

const ways: Record<string, (probe: Probe) => Promise<CommandResult>> = {
  lines: async () => ({ result: {}, text: lines(60_000) }),
  document: async () => ({ result: { lines: [...lines(60_000)] } }),
  forever: async () => ({ result: {}, text: lines(Number.POSITIVE_INFINITY) }),

  /** Stops when it is asked to. */
  polite: ({ context }) =>
    new Promise((_resolve, reject) => {
      const timer = setInterval(() => {}, 1000);
      context.signal.addEventListener('abort', () => {
        clearInterval(timer);
        reject(context.signal.reason);
      });
      context.io.stderr.writeNow('ready\n');
    }),

  /** Hears the signal and goes on. */
  deaf: ({ context }) =>
    new Promise(() => {
      setInterval(() => {}, 1000);
      context.signal.addEventListener('abort', () => context.io.stderr.writeNow('heard\n'));
      context.io.stderr.writeNow('ready\n');
    }),

  /** Throws where nobody awaits. */
  crash: () =>
    new Promise(() => {
      setTimeout(() => {
        throw new TypeError('lost');
      }, 1);
    }),

  /** Works until something comes in on stdin. */
  busy: async ({ context }) => {
    const phase = context.reporter.phase('packing', { items: 100 });
    phase.advance({ items: 45 });
    await new Promise((resolve) => context.io.stdin.once('data', resolve));
    phase.end('packed all');
    return { result: {}, text: 'done' };
  },

  /** Leaves a timer behind that would keep the process alive. */
  leak: async () => {
    setInterval(() => {}, 1000);
    return { result: {}, text: 'done', exits: [3] };
  },
};

class Probe extends BaseCommand {
  static override id = 'probe';
  run(): Promise<CommandResult> {
    return ways[way](this);
  }
}

const [way, ...argv] = process.argv.slice(2);
await runToEnd(argv, (io) => runCommand(Probe, argv, io));
