/** How each tool is called. Everything lives below one scratch folder. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Command, run } from './measure.ts';

export const PLAIT_BIN = fileURLToPath(new URL('../bin/run.js', import.meta.url));
const QUIET_HOME = {
  RESTIC_PASSWORD: 'bench',
  BORG_PASSPHRASE: 'bench',
  BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK: 'yes',
};

export interface Bench {
  /** Scratch folder on the disk that is measured. */
  scratch: string;
  data: string;
  next?: string;
  has: Set<string>;
}

export const at = (bench: Bench, ...parts: string[]): string => join(bench.scratch, ...parts);

export const plait = (...args: string[]): Command => ({ argv: [process.execPath, PLAIT_BIN, ...args] });
export const restic = (repo: string, ...args: string[]): Command => ({
  argv: ['restic', '-q', '-r', repo, '--no-cache', ...args],
  env: QUIET_HOME,
});
export const borg = (...args: string[]): Command => ({ argv: ['borg', ...args], env: QUIET_HOME });
export const git = (dir: string, ...args: string[]): Command => ({
  argv: ['git', '-C', dir, '-c', 'user.name=bench', '-c', 'user.email=bench@localhost', '-c', 'gc.auto=0', ...args],
});

export async function fresh(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true });
  await mkdir(path, { recursive: true });
}

let used = 0;
/**
 * A path that nothing has been at. Trees are not removed before the end of a bench: ext4 passes over inodes that were
 * freed a short while ago, which takes seconds from whoever creates many files next.
 */
export const unused = (bench: Bench, name: string): string => at(bench, `${name}-${++used}`);

/** An identical working copy: same bytes, modes and times. */
export async function copyTree(from: string, to: string): Promise<void> {
  await rm(to, { recursive: true, force: true });
  await mkdir(to, { recursive: true });
  await run({ argv: ['cp', '-a', `${from}/.`, to] });
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** A server that runs beside the measurement until it is stopped. */
export class Server {
  readonly child: ChildProcess;
  private constructor(child: ChildProcess) {
    this.child = child;
  }

  static async start(command: Command, port: number): Promise<Server> {
    const [file, ...args] = command.argv;
    const child = spawn(file, args, { stdio: 'ignore', env: { ...process.env, ...command.env } });
    for (let attempt = 0; attempt < 200; attempt++) {
      if (await answers(port)) return new Server(child);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    child.kill();
    throw new Error(`no answer on port ${port}: ${command.argv.join(' ')}`);
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.kill('SIGTERM');
    await ended;
  }
}

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('error', () => resolve(false));
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });
