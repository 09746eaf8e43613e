/**
 * node bench/page-hub.ts DIR [--snapshots N] [--branches N] [--files N] [--volsets N]
 * Makes a store to look at: a volset with a long history of a large tree, with merges, members and conflicts, and many
 * small ones beside it. Written through the engine, so it is what any store is; `plait verify` finds nothing wrong.
 */
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { createStore, openStore } from '../src/sync/store.ts';
import { type HistorySize, makeHistory } from './page/history.ts';
import { addMembers } from './page/members.ts';
import { storeOptions } from './page/places.ts';
import { addSmallVolsets } from './page/small-volsets.ts';

export interface PageHubSize extends HistorySize {
  /** Small ones. */
  volsets: number;
}

export const PAGE_HUB: PageHubSize = { snapshots: 10_000, branches: 200, files: 80_000, volsets: 50 };
const MEMBERS = ['laptop-ada', 'station-2', 'cluster', 'archive'];
/** Of a small volset, about; fewer where there are many. */
const SNAPSHOTS = 12;

export async function makePageHub(
  dir: string,
  size: PageHubSize,
  log: (line: string) => void = () => {},
): Promise<void> {
  const options = storeOptions();
  createStore(dir, options);
  const store = await openStore(dir, options);
  using _meta = store.meta;
  await using _blob = store.blob;
  const volset = await makeHistory(store, size, log);
  await addMembers(store, volset, MEMBERS);
  log(`${MEMBERS.length} members`);
  await addSmallVolsets(store, size.volsets, size.volsets > 100 ? 2 : SNAPSHOTS);
  log(`${size.volsets} small volsets`);
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: Object.fromEntries(Object.keys(PAGE_HUB).map((name) => [name, { type: 'string' as const }])),
  });
  if (positionals.length !== 1) throw new Error('usage: node bench/page-hub.ts DIR [--snapshots N] …');
  const started = performance.now();
  const log = (line: string) =>
    process.stderr.write(`${((performance.now() - started) / 1000).toFixed(1)} s: ${line}\n`);
  const given = Object.entries(values).map(([name, value]) => [name, Number(value)]);
  await makePageHub(positionals[0], { ...PAGE_HUB, ...Object.fromEntries(given) }, log);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main();
