/** From the words of the user to the file of a command: its path is its name, so no list has to be read or kept. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { PlaitError } from '../core/errors.ts';
import { showText } from '../core/paths.ts';
import type { CommandClass } from './base-command.ts';
import { nearest } from './suggest.ts';

/** `.ts` when run from the sources, `.js` in dist. */
export const EXTENSION = import.meta.url.slice(import.meta.url.lastIndexOf('.'));
export const COMMANDS = join(import.meta.dirname, '..', 'commands');

export interface FoundCommand {
  /** oclif's form: `remote:add`. */
  id: string;
  file: string;
  /** What follows the verb. */
  argv: string[];
}

const isWord = (text: string | undefined): text is string => text !== undefined && /^[a-z][a-z-]*$/.test(text);

export function findCommand(words: readonly string[], folder = COMMANDS): FoundCommand {
  const [first, second] = words;
  if (first.startsWith('-')) {
    throw new PlaitError('usage', `no flag ${showText(first)} before the command`, { hint: 'see `plait --help`' });
  }
  if (isWord(first) && isWord(second)) {
    const file = join(folder, first, second + EXTENSION);
    if (existsSync(file)) return { id: `${first}:${second}`, file, argv: words.slice(2) };
  }
  const file = join(folder, first + EXTENSION);
  if (isWord(first) && existsSync(file)) return { id: first, file, argv: words.slice(1) };
  throw unknownCommand(words, folder);
}

function unknownCommand([first, second]: readonly string[], folder: string): PlaitError {
  const isTopic = isWord(first) && existsSync(join(folder, first));
  const names = namesIn(isTopic ? join(folder, first) : folder);
  const prefix = isTopic ? `plait ${first}` : 'plait';
  if (isTopic && (second === undefined || second.startsWith('-'))) {
    return new PlaitError('usage', `${prefix} needs to be told what to do`, { hint: `one of: ${names.join(', ')}` });
  }
  const word = isTopic ? second : first;
  const near = nearest(word, names);
  return new PlaitError('usage', `no command ${prefix} ${showText(word)}`, {
    hint: near ? `did you mean \`${prefix} ${near}\`?` : 'see `plait --help`',
  });
}

function namesIn(folder: string): string[] {
  const names = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() || entry.name.endsWith(EXTENSION))
    .map((entry) => (entry.isDirectory() ? entry.name : entry.name.slice(0, -EXTENSION.length)));
  return [...new Set(names)].sort();
}

export async function loadCommand({ id, file }: FoundCommand): Promise<CommandClass> {
  const module = (await import(file)) as { default: CommandClass };
  const cls = module.default;
  cls.id = id;
  return cls;
}
