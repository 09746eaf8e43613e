/** Push, clone and an empty sync over HTTP on the loopback interface; restic speaks to rclone's REST server. */
import { diskBytes, run } from '../measure.ts';
import type { Contender, Scenario } from '../scenario.ts';
import { at, type Bench, freePort, fresh, plait, restic, Server, unused } from '../tools.ts';

interface Network {
  scenarios: Scenario[];
  stop(): Promise<void>;
}

export async function networkScenarios(bench: Bench): Promise<Network> {
  const servers: Server[] = [];
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  await fresh(at(bench, 'hub'));
  servers.push(await Server.start(plait('serve', at(bench, 'hub'), '--listen', `127.0.0.1:${port}`), port));
  const rest = bench.has.has('rclone') && bench.has.has('restic') ? await serveRestic(bench, servers) : undefined;
  const scenarios = [pushScenario(bench, url, rest), snapshotPushScenario(bench, url, rest)];
  scenarios.push(cloneScenario(bench, url, rest), nothingScenario(bench));
  return {
    scenarios,
    stop: async () => {
      for (const server of servers) await server.stop();
    },
  };
}

async function serveRestic(bench: Bench, servers: Server[]): Promise<string> {
  const port = await freePort();
  await fresh(at(bench, 'rest'));
  const argv = ['rclone', 'serve', 'restic', '--addr', `127.0.0.1:${port}`, at(bench, 'rest')];
  servers.push(await Server.start({ argv }, port));
  return `rest:http://127.0.0.1:${port}/`;
}

/** Every run pushes to a volset of its own, so that the hub never has anything of it. */
let counter = 0;
const name = () => `bench-${counter}`;

const resetVolume = async (bench: Bench, url: string) => {
  counter++;
  await fresh(at(bench, 'net-store'));
  await run({ argv: ['rm', '-rf', at(bench, 'work', '.plait')] });
  await run(plait('init', at(bench, 'work'), '--store', at(bench, 'net-store'), '--volset', name()));
  await run(plait('-C', at(bench, 'work'), 'remote', 'add', 'origin', url));
};

const sent = (stdout: string): number => (JSON.parse(stdout) as { pushed: { bytes: number } }).pushed.bytes;

/** A repository of its own for each run as well: the server remembers what it has seen under a name. */
let repository = 0;
const repositoryUrl = (rest: string) => `${rest}run-${repository}/`;

const resticBackup = (bench: Bench, rest: string): Contender => ({
  name: 'restic',
  prepare: async () => {
    repository++;
    await run(restic(repositoryUrl(rest), 'init'));
  },
  command: () => restic(repositoryUrl(rest), 'backup', at(bench, 'work')),
  after: async () => ({ stored: await diskBytes(at(bench, 'rest', `run-${repository}`)) }),
});

const pushScenario = (bench: Bench, url: string, rest: string | undefined): Scenario => ({
  id: 'push',
  title: 'Push after snapshot, over loopback HTTP',
  contenders: [
    {
      name: 'plait',
      prepare: async () => {
        await resetVolume(bench, url);
        await run(plait('-C', at(bench, 'work'), 'snapshot'));
      },
      command: plait('-C', at(bench, 'work'), 'push', 'origin', '--json'),
      after: async ({ stdout }) => ({ sent: sent(stdout) }),
    },
    ...(rest ? [resticBackup(bench, rest)] : []),
  ],
  goals: [{ against: 'restic', factor: 0.35 }],
});

const snapshotPushScenario = (bench: Bench, url: string, rest: string | undefined): Scenario => ({
  id: 'snapshot-push',
  title: 'Snapshot and push, over loopback HTTP',
  contenders: [
    {
      name: 'plait',
      prepare: () => resetVolume(bench, url),
      command: plait('-C', at(bench, 'work'), 'snapshot', '--push', 'origin'),
    },
    ...(rest ? [resticBackup(bench, rest)] : []),
  ],
  goals: [{ against: 'restic', factor: 1.0 }],
});

const cloneScenario = (bench: Bench, url: string, rest: string | undefined): Scenario => ({
  id: 'clone',
  title: 'Clone with checkout, over loopback HTTP',
  contenders: [
    {
      name: 'plait',
      command: () => plait('clone', `${url}/${name()}`, unused(bench, 'clone')),
    },
    ...(rest
      ? [
          {
            name: 'restic',
            command: () => restic(repositoryUrl(rest), 'restore', 'latest', '--target', unused(bench, 'restored')),
          },
        ]
      : []),
  ],
  goals: [{ against: 'restic', factor: 0.6 }],
});

const nothingScenario = (bench: Bench): Scenario => ({
  id: 'nothing',
  title: 'Push with nothing to do',
  contenders: [
    { name: 'plait', command: plait('-C', at(bench, 'work'), 'push', 'origin') },
    { name: 'node -e 0', command: { argv: [process.execPath, '-e', '0'] } },
  ],
  goals: [{ against: 'node -e 0', factor: 8 }],
});
