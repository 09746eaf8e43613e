/**
 * A hub with a story that the views can show, made by the program alone: branches, a merge, two members of whom one lags behind,
 * changes of each kind, a volset of its own for a token that may see one only.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Document, type Hub, Lab } from '../../../e2e/helpers/lab.ts';
import { noise } from '../../../e2e/helpers/trees.ts';
import { relabel } from './label.ts';

/** A working directory whose store is called this. */
export interface Desk {
  dir: string;
  run(argv: string[], exit?: number): Promise<Document>;
  write(path: string, content: string | Uint8Array): void;
  remove(path: string): void;
  /** Hands back the snapshot's id. */
  snapshot(message: string, ...flags: string[]): Promise<string>;
}

export interface Story extends AsyncDisposable {
  lab: Lab;
  hub: Hub;
  ada: Desk;
  ben: Desk;
  /** Snapshots by what they are called here. */
  ids: Record<'first' | 'second' | 'trial' | 'beside' | 'merge' | 'bens', string>;
  /** Id of the volset `data`. */
  volset: string;
}

export const BIG = noise(300_000, 7);

export function desk(lab: Lab, name: string): Desk {
  const dir = lab.path(name);
  const run = (argv: string[], exit = 0): Promise<Document> => lab.in(name, argv, exit);
  return {
    dir,
    run,
    write: (path, content) => {
      mkdirSync(join(dir, path, '..'), { recursive: true });
      writeFileSync(join(dir, path), content);
    },
    remove: (path) => rmSync(join(dir, path), { recursive: true }),
    snapshot: async (message, ...flags) => (await run(['snapshot', '-m', message, ...flags])).snapshot as string,
  };
}

/** A working directory for volset `volset` of the hub. */
export async function newDesk(lab: Lab, hub: Hub, name: string, volset = 'data'): Promise<Desk> {
  await lab.run(['init', lab.path(name), '--volset', volset]);
  const made = desk(lab, name);
  relabel(made.dir, name);
  await made.run(['remote', 'add', 'origin', `${hub.url}/${volset}`]);
  return made;
}

export async function clonedDesk(lab: Lab, hub: Hub, name: string, volset = 'data'): Promise<Desk> {
  await lab.run(['clone', `${hub.url}/${volset}`, lab.path(name)]);
  const made = desk(lab, name);
  relabel(made.dir, name);
  return made;
}

/** Both describe the volset, and neither knows of the other. */
async function disagree(ada: Desk, ben: Desk): Promise<void> {
  await ada.run(['update', '--description', 'as ada says']);
  await ben.run(['update', '--description', 'as ben says']);
  await ada.run(['sync']);
  await ben.run(['sync'], 5);
}

/** It asks ben where his branches stand; and a snapshot waits for a remote that is never there. */
async function atHub(lab: Lab, hub: Hub, ben: Desk): Promise<void> {
  const at = (...argv: string[]): Promise<Document> => lab.run(['--store', hub.store, ...argv]);
  await at('remote', 'add', 'ben', `${ben.dir}/data`);
  await at('fetch', 'ben');
  await at('remote', 'add', 'elsewhere', 'http://127.0.0.1:1/pictures');
  await at('push', 'elsewhere', '--volset', 'pictures', '--enqueue');
}

export async function tellStory(...hubFlags: string[]): Promise<Story> {
  const lab = new Lab();
  try {
    const hub = await lab.hub('hub', ...hubFlags);
    const ada = await newDesk(lab, hub, 'ada');
    ada.write('readme.txt', 'one\ntwo\nthree\n');
    ada.write('old.txt', 'to be deleted\n');
    ada.write('src/main.c', 'int main(void) { return 0; }\n');
    ada.write('src/lib/deep/inner.txt', 'deep inside\n');
    ada.write('data/big.bin', BIG);
    const first = await ada.snapshot('first files');
    ada.write('readme.txt', 'one\n2\nthree\nfour\n');
    ada.remove('old.txt');
    ada.write('added.txt', 'new here\n');
    const second = await ada.snapshot('words as digits', '--name', 'release-1');
    ada.write('trial.txt', 'tried\n');
    const trial = await ada.snapshot('a trial', '--branch', 'trial');
    await ada.run(['checkout', 'main']);
    ada.write('src/other.c', 'static int other;\n');
    const beside = await ada.snapshot('beside the trial');
    const merge = (await ada.run(['merge', 'trial'])).snapshot as string;
    await ada.run(['update', '--description', 'Everything that ada writes']);
    await ada.run(['push']);
    const ben = await clonedDesk(lab, hub, 'ben');
    ben.write('ben.txt', 'by ben\n');
    const bens = await ben.snapshot('what ben thinks', '--branch', 'bens');
    await ben.run(['push']);
    const other = await newDesk(lab, hub, 'other-desk', 'pictures');
    other.write('sun.txt', 'a sun\n');
    await other.snapshot('a picture');
    await other.run(['push']);
    await atHub(lab, hub, ben);
    await disagree(ada, ben);
    const { volsets } = await ada.run(['volset', 'list']);
    const ids = { first, second, trial, beside, merge, bens };
    return { lab, hub, ada, ben, ids, volset: volsets[0].id, [Symbol.asyncDispose]: () => lab[Symbol.asyncDispose]() };
  } catch (error) {
    await lab[Symbol.asyncDispose]();
    throw error;
  }
}
