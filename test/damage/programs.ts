/** plait with --json: in this process, and as a program of its own. */
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { splitArgv } from '../../src/cli/argv.ts';
import { findCommand, loadCommand } from '../../src/cli/find-command.ts';
import { runCommand } from '../../src/cli/run-command.ts';
import { keptIo } from '../cli/fakes.ts';
import { plait } from '../e2e/helpers/plait.ts';
import type { Program } from './sample.ts';

const envOf = (dir: string): Record<string, string> => ({
  HOME: join(dir, 'live', 'home'),
  XDG_STATE_HOME: join(dir, 'live', 'state'),
  PLAIT_LOCK_WAIT: '10s',
});

export const inProcess =
  (dir: string): Program =>
  async (argv, input = '') => {
    const io = { ...keptIo(envOf(dir)), cwd: dir, stdin: Readable.from([Buffer.from(input)]) };
    const { globals, rest } = splitArgv(argv);
    const found = findCommand(rest);
    const exit = await runCommand(await loadCommand(found), [...globals, '--json', ...found.argv], io);
    return { exit, document: io.stdout.text.startsWith('{') ? JSON.parse(io.stdout.text) : { text: io.stderr.text } };
  };

export const spawned =
  (dir: string): Program =>
  async (argv, input = '') => {
    const end = await plait(['--json', ...argv], { cwd: dir, env: envOf(dir), input });
    return {
      exit: end.exit ?? -1,
      document: end.stdout.startsWith('{') ? JSON.parse(end.stdout) : { text: end.stderr },
    };
  };
