/** `plait clone --update` where the clone is there already (a CI cache): what a new clone would hold, by a pull. */
import { readdirSync } from 'node:fs';
import { ERRORS } from '../core/errors.ts';
import type { SnapshotId } from '../core/ids.ts';
import type { BranchView } from '../meta/contract.ts';
import type { Volume } from '../volume/contract.ts';
import { DOT_PLAIT } from '../volume/state.ts';
import { checkout, moveVolume } from './checkout.ts';
import { type CloneOptions, type CloneResult, headBranch } from './clone.ts';
import { type Engine, type Outcome, outcome, rootHere } from './engine.ts';
import { holdToWrite } from './hold-volume.ts';
import { exitOfProblems, problemRow } from './problems.ts';
import { remoteByName } from './remotes.ts';
import { replicate } from './replicate.ts';
import type { ProblemRow } from './results.ts';

export async function updateClone(engine: Engine, options: CloneOptions): Promise<Outcome<CloneResult>> {
  const { volset, selection: given } = options;
  const started = engine.world.now();
  const selection = Object.keys(given).length > 0 ? given : (options.remote.selection ?? {});
  const remote = { ...options.remote, volset, ...(Object.keys(selection).length > 0 && { selection }) };
  const { volume } = engine;
  const emptied = volume !== undefined && holdsNothing(volume.state.dir);
  // Files that are all gone were left out of a cache: they are no deletions of the user's, and in nobody's way.
  const puller = emptied ? { ...engine, volume: undefined } : engine;
  const pulled = await replicate(puller, 'pull', remote, {
    selection: {},
    dryRun: false,
    maxDelete: 1,
    failIfUnchanged: false,
  });
  engine.meta.putRemote({ ...remoteByName(engine, remote.name), url: remote.url, selection: remote.selection });
  const exits = pulled.exits.filter((code) => code !== ERRORS.conflicts.exit);
  const result: CloneResult = { ...pulled.result, branch: null, snapshot: null, written: 0 };
  const own = engine.meta.listBranches(volset).find(({ id }) => id === volume?.state.branch);
  const head = given.branches?.length || own === undefined ? headBranch(engine, volset, selection) : own;
  const stays = !options.checkout || selection.metadataOnly || !head || head.tip === null;
  const follows = own?.id === head?.id && volume?.state.base != null && !emptied;
  if (volume && head && !stays && !follows) {
    const done = emptied ? await fill(engine, volume, head) : await goTo(engine, head);
    result.written = done.written;
    result.problems.push(...done.problems);
    exits.push(exitOfProblems(done.problems));
  }
  result.branch = head?.name ?? null;
  result.snapshot = volume && !stays ? (volume.state.base ?? null) : (head?.tip ?? null);
  result.durationMs = engine.world.now() - started;
  return outcome(result, ...exits);
}

interface Arrived {
  written: number;
  problems: ProblemRow[];
}

const goTo = async (engine: Engine, { name }: BranchView): Promise<Arrived> =>
  (await checkout(engine, `branch:${name}`, false)).result;

/** All of it, whatever was there before. */
async function fill(engine: Engine, volume: Volume, { id, tip }: BranchView): Promise<Arrived> {
  using _held = await holdToWrite(engine, volume, { finish: false });
  const { volset } = volume.state;
  const snapshot = tip as SnapshotId;
  const place = { snapshot, root: rootHere(engine, volset, snapshot), branch: id };
  const { written, problems } = await moveVolume(engine, volume, place, { force: true, whole: true });
  return { written, problems: problems.map(problemRow) };
}

const holdsNothing = (dir: string): boolean => readdirSync(dir).every((name) => name === DOT_PLAIT);
