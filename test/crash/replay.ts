/** Records a command in a process of its own, and plays what may be on the disk after a crash at any of its steps. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { deserialize } from 'node:v8';
import { cleanEnv, LIMIT } from '../e2e/helpers/plait.ts';
import type { Random } from '../support/seed.ts';
import { DiskModel, type Fate, materialise, type State } from './disk-model.ts';
import { resultOf, type Scenario } from './scenarios.ts';
import type { Change } from './tap.ts';
import { afterReboot, keepIdentity, type World } from './world.ts';

const RECORDER = join(import.meta.dirname, 'recorder.ts');
const PROGRAM = join(import.meta.dirname, '../../bin/dev.js');

export interface Recording {
  /** The disk before the first change. */
  model: DiskModel;
  changes: Change[];
}

/** Runs the scenario's command to its end, and tells each of its steps. */
export async function record(world: World, scenario: Scenario): Promise<Recording> {
  await scenario.prepare(world);
  const model = new DiskModel(world.root);
  const log = `${world.root}.log`;
  // Not as an argument: only so do threads with arguments of their own load it, too.
  const env = { ...world.env, CRASH_LOG: log, CRASH_ROOT: world.root, NODE_OPTIONS: `--import ${RECORDER}` };
  try {
    execFileSync(process.execPath, [PROGRAM, '--json', ...scenario.argv(world)], {
      cwd: world.root,
      env: cleanEnv(env),
      ...LIMIT,
    });
    return { model, changes: changesIn(readFileSync(log)) };
  } finally {
    rmSync(log, { force: true });
  }
}

function changesIn(bytes: Buffer): Change[] {
  const changes: Change[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 4 + bytes.readUInt32LE(at);
    changes.push(deserialize(bytes.subarray(at + 4, end)) as Change);
    at = end;
  }
  return changes;
}

export interface Crash {
  /** So many changes were made. */
  step: number;
  kind: 'killed' | Fate;
  state: State;
}

const FATES: readonly Fate[] = ['lost', 'torn', 'mixed', 'mixed', 'mixed', 'mixed'];

export interface Played {
  /** What a power cut may leave of one prefix, so many times. */
  cuts: number;
  /** Of so many steps one. */
  every?: number;
}
/** The last steps, of notes and bases, are all played. */
const LAST = 60;

/**
 * All different states: each prefix as a killed process leaves it, and what a power cut may make of it (`cuts` tries a
 * prefix, by `random`).
 */
export function* crashes(
  model: DiskModel,
  changes: readonly Change[],
  random: Random,
  { cuts, every = 1 }: Played,
): Generator<Crash> {
  const seen = new Set<string>();
  const isNew = (state: State): boolean => {
    const digest = digestOf(state);
    const found = seen.has(digest);
    seen.add(digest);
    return !found;
  };
  for (let step = 0; ; step++) {
    if (step % every !== 0 && step < changes.length - LAST) {
      model.apply(changes[step]);
      continue;
    }
    const state = model.asKilled();
    if (isNew(state)) yield { step, kind: 'killed', state };
    for (let cut = 0; model.hasPending && cut < cuts; cut++) {
      const kind = FATES[cut % FATES.length];
      const left = model.asCut(random, kind);
      if (isNew(left)) yield { step, kind, state: left };
    }
    if (step === changes.length) return;
    model.apply(changes[step]);
  }
}

function digestOf(state: State): string {
  const hash = createHash('sha256');
  for (const { path, kind, linkTo, version } of state) {
    const { bytes, wal, mode, mtime } = version;
    hash.update(JSON.stringify([path, kind, linkTo, mode, mtime, bytes.length, wal?.length]));
    hash.update(bytes).update(wal ?? '');
  }
  return hash.digest('hex');
}

/** The store is sound as it is found, unless that is what the command is for; the same again succeeds; then all is as if nothing had happened. */
export async function survive(world: World, scenario: Scenario, crash: Crash, expected: unknown): Promise<void> {
  materialise(world.root, crash.state);
  if (crash.kind !== 'killed') afterReboot(world.root);
  for (const store of world.stores()) keepIdentity(store);
  try {
    if (!scenario.mends) await world.verify();
    const argv = (crash.kind !== 'killed' && scenario.afterPowerCut) || scenario.argv;
    const { exit, document } = await world.run(argv(world));
    assert.ok(exit === 0 || scenario.doneAlready?.includes(exit), `again: exit ${exit}, ${JSON.stringify(document)}`);
    await world.verify();
    assert.deepEqual(await resultOf(world), expected);
  } catch (error) {
    (error as Error).message = `${scenario.name}, ${crash.kind} after step ${crash.step}: ${(error as Error).message}`;
    if (process.env.KEEP_CRASH && existsSync(world.root)) materialise(`${world.root}.kept`, crash.state);
    throw error;
  }
}
