/** All commands with their flags and arguments, as oclif sees them: for help, completion and documentation. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from '@oclif/core/command';
import { Config } from '@oclif/core/config';
import { EXTENSION } from './find-command.ts';

export const ROOT = join(import.meta.dirname, '..', '..');

/** From the manifest in an installed package; from the sources themselves when run from the sources. */
export function loadOclif(): Promise<Config> {
  if (EXTENSION === '.js') return Config.load({ root: ROOT });
  const pjson = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  pjson.oclif.commands.target = './src/commands';
  return Config.load({ root: ROOT, isRoot: true, ignoreManifest: true, pjson });
}

export interface CatalogFlag {
  name: string;
  char?: string;
  global: boolean;
  /** False for a switch. */
  takesValue: boolean;
  multiple: boolean;
  values?: readonly string[];
  valueName?: string;
  summary: string;
}

export interface CatalogArg {
  name: string;
  required: boolean;
  multiple: boolean;
  values?: readonly string[];
  summary: string;
}

export interface CatalogCommand {
  /** As typed: `remote add`. */
  name: string;
  summary: string;
  description: string;
  flags: CatalogFlag[];
  args: CatalogArg[];
}

export function catalogOf(commands: readonly Command.Cached[]): CatalogCommand[] {
  return commands
    .filter((command) => !command.hidden)
    .map((command) => ({
      name: command.id.replaceAll(':', ' '),
      summary: command.summary ?? '',
      description: command.description ?? '',
      flags: Object.values(command.flags).map(flagOf),
      args: Object.values(command.args).map((arg) => ({
        name: arg.name,
        required: arg.required === true,
        multiple: arg.multiple === true,
        ...(arg.options ? { values: arg.options } : {}),
        summary: arg.description ?? '',
      })),
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function flagOf(flag: Command.Flag.Cached): CatalogFlag {
  const values = flag.type === 'option' ? flag.options : undefined;
  return {
    name: flag.name,
    ...(flag.char ? { char: flag.char } : {}),
    global: flag.helpGroup === 'GLOBAL',
    takesValue: flag.type === 'option',
    multiple: flag.type === 'option' && flag.multiple === true,
    ...(values ? { values } : {}),
    ...(flag.type === 'option' ? { valueName: String(flag.helpValue ?? values?.join('|') ?? 'VALUE') } : {}),
    summary: flag.summary ?? flag.description ?? '',
  };
}

export async function loadCatalog(): Promise<CatalogCommand[]> {
  return catalogOf((await loadOclif()).commands);
}
