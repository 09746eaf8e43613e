/** Tools that bring the states of one tree to a server, each behind a line of its own. */
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Command, type Cost, run } from '../measure.ts';
import type { Extra } from '../scenario.ts';
import { at, type Bench, freePort, fresh, git, plait, restic, Server, unused } from '../tools.ts';
import { Line } from './transfer-line.ts';

export interface Sender {
  name: string;
  /** Absent where bytes are counted without a server. */
  line?: Line;
  /** Not counted as sending: what the tool does with a new state first. */
  record?(): Promise<Cost>;
  send(): Command;
  /** In place of what the line has counted. */
  sent?(cost: Cost): Extra;
  /** Fetches the last state into a directory that is not there yet. */
  fetch?(to: string): Command;
  stop(): Promise<void>;
}

/** Makes a sender for a tree; the far side is empty. */
export type SenderKind = (bench: Bench, tree: string) => Promise<Sender>;

export const plaitSender: SenderKind = async (bench, tree) => {
  const hub = unused(bench, 'line-hub');
  const port = await freePort();
  await mkdir(hub, { recursive: true });
  const line = await Line.start(await Server.start(plait('serve', hub, '--listen', `127.0.0.1:${port}`), port), port);
  await run({ argv: ['rm', '-rf', join(tree, '.plait')] });
  await run(plait('init', tree, '--store', unused(bench, 'line-store'), '--volset', 'bench'));
  await run(plait('-C', tree, 'remote', 'add', 'origin', `http://${line.address}`));
  return {
    name: 'plait',
    line,
    record: () => run(plait('-C', tree, 'snapshot', '--skip-unchanged')),
    send: () => plait('-C', tree, 'push', '--json'),
    fetch: (to) => plait('clone', `http://${line.address}/bench`, to),
    stop: () => line.stop(),
  };
};

/** With its cache, as it is used over a network. */
export const resticSender: SenderKind = async (bench, tree) => {
  const port = await freePort();
  const dir = unused(bench, 'line-rest');
  await fresh(dir);
  const argv = ['rclone', 'serve', 'restic', '--addr', `127.0.0.1:${port}`, dir];
  const line = await Line.start(await Server.start({ argv }, port), port);
  const cache = unused(bench, 'line-cache');
  const call = (...args: string[]): Command => {
    const { argv, env } = restic(`rest:http://${line.address}/`, ...args, '--cache-dir', cache);
    return { argv: argv.filter((arg) => arg !== '--no-cache'), env };
  };
  await run(call('init'));
  return {
    name: 'restic',
    line,
    send: () => call('backup', tree, '--exclude', '.plait'),
    fetch: (to) => call('restore', 'latest', '--target', to),
    stop: () => line.stop(),
  };
};

export const rsyncSender: SenderKind = async (bench, tree) => {
  const port = await freePort();
  const dir = unused(bench, 'line-rsync');
  await mkdir(dir, { recursive: true });
  const config = `${dir}.conf`;
  await writeFile(config, `use chroot = no\nuid = root\ngid = root\n[to]\npath = ${dir}\nread only = no\n`);
  const argv = ['rsync', '--daemon', '--no-detach', `--config=${config}`, `--port=${port}`, '--address=127.0.0.1'];
  const line = await Line.start(await Server.start({ argv }, port), port);
  const there = `rsync://${line.address}/to/`;
  return {
    name: 'rsync -z',
    line,
    send: () => ({ argv: ['rsync', '-az', '--no-whole-file', '--delete', '--exclude=/.plait', `${tree}/`, there] }),
    fetch: (to) => ({ argv: ['rsync', '-az', there, `${to}/`] }),
    stop: () => line.stop(),
  };
};

/** The pack that a push would send, without a server and without any line. */
export const gitSender: SenderKind = async (bench, tree) => {
  const repo = unused(bench, 'line-git');
  await run({ argv: ['git', 'init', '-q', '--bare', repo] });
  const call = (...args: string[]): Command => git(repo, `--work-tree=${tree}`, ...args);
  const pack = join(repo, 'sent.pack');
  await writeFile(join(repo, 'info', 'exclude'), '/.plait\n');
  await run(call('commit', '-q', '--allow-empty', '-m', 'nothing'));
  return {
    name: 'git pack',
    record: async () => {
      await run(call('tag', '-f', 'sent'));
      // Into a pack at once: loose files by the ten thousand take minutes. What is sent is made as ever.
      const cost = await run(call('-c', 'core.bigFileThreshold=1', 'add', '-A', '-f', '--', '.', ':!.plait'));
      await run(call('commit', '-q', '--allow-empty', '-m', 'state'));
      return cost;
    },
    send: () => ({
      argv: [
        'sh',
        '-c',
        `printf 'HEAD\\n^sent\\n' | git -C "$0" pack-objects -q --revs --thin --delta-base-offset --stdout > "$1"; wc -c < "$1"`,
        repo,
        pack,
      ],
    }),
    sent: ({ stdout }) => ({ sent: Number(stdout) }),
    stop: async () => {},
  };
};

export function senderKinds(bench: Bench): SenderKind[] {
  const kinds: SenderKind[] = [plaitSender];
  if (bench.has.has('restic') && bench.has.has('rclone')) kinds.push(resticSender);
  if (bench.has.has('rsync')) kinds.push(rsyncSender);
  if (bench.has.has('git')) kinds.push(gitSender);
  return kinds;
}

/** Sub-directories in the order of their names, numbers by their value: releases of something. */
export async function releasesOf(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  const { compare } = new Intl.Collator('en', { numeric: true });
  return names.sort(compare).map((name) => join(dir, name));
}

export const treeOf = (bench: Bench): string => at(bench, 'line-tree');
