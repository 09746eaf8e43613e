/** Help texts are oclif's; here it is decided what they are about. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Help } from '@oclif/core/help';
import { loadOclif } from './catalog.ts';
import { COMMANDS, findCommand } from './find-command.ts';

/** Help on a command, on a topic (`remote`), or on all. Throws `usage` for words that are neither. */
export async function showHelp(words: readonly string[]): Promise<void> {
  const isTopic = words.length === 1 && /^[a-z-]+$/.test(words[0]) && existsSync(join(COMMANDS, words[0]));
  const subject = words.length === 0 ? [] : isTopic ? [words[0]] : [findCommand(words).id];
  await new Help(await loadOclif()).showHelp(subject);
}
