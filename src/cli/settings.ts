/**
 * Values of flags from elsewhere: flag > environment > store config > default. A value that does not parse is refused
 * with the name of the place where it stands, since nobody typed it just now.
 */
import type { Command } from '@oclif/core/command';
import { PlaitError } from '../core/errors.ts';
import { showText } from '../core/paths.ts';
import type { BaseCommand } from './base-command.ts';
import { globalFlags } from './flags.ts';
import { parseBoolean } from './units.ts';

/** These decide where the store is, so they cannot stand in it; `-C` is PLAIT_DIR. */
const NOT_IN_CONFIG = new Set(['C', 'store']);

const isGlobal = (flag: string): boolean => Object.hasOwn(globalFlags, flag);

/** `remote:add` + `token-file` -> `PLAIT_REMOTE_ADD_TOKEN_FILE`; global flags stand alone: `PLAIT_LOCK_WAIT`. */
export function envName(command: string, flag: string): string {
  if (flag === 'C') return 'PLAIT_DIR';
  const words = isGlobal(flag) ? flag : `${command}-${flag}`;
  return `PLAIT_${words.replace(/[:-]/g, '_').toUpperCase()}`;
}

/** `remote:add` + `token-file` -> `remote-add.token-file`; undefined where config cannot hold it. */
export function configKey(command: string, flag: string): string | undefined {
  if (NOT_IN_CONFIG.has(flag)) return undefined;
  return isGlobal(flag) ? flag : `${command.replaceAll(':', '-')}.${flag}`;
}

export interface Found {
  text: string;
  /** `PLAIT_STORE` or `config key store in /x`. */
  origin: string;
}

/** A flag's value as the parser would have given it. Several values of a repeatable flag are separated by commas. */
export async function convert(name: string, flag: Command.Flag, found: Found, context: BaseCommand): Promise<unknown> {
  try {
    if (flag.type === 'boolean') return parseBoolean(found.text);
    const texts = flag.multiple ? found.text.split(',').map((text) => text.trim()) : [found.text];
    const values = await Promise.all(texts.map((text) => convertOne(flag, text, context)));
    return flag.multiple ? values : values[0];
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new PlaitError(
      'bad-config',
      `bad value for ${name === 'C' ? '-C' : `--${name}`} in ${found.origin}: ${message}`,
      {
        hint: (error instanceof PlaitError ? error.hint : undefined) ?? `correct or remove ${found.origin}`,
        data: { flag: name, origin: found.origin, value: found.text },
        cause: error,
      },
    );
  }
}

async function convertOne(flag: Command.Flag, text: string, context: BaseCommand): Promise<unknown> {
  if (flag.type !== 'option') return text;
  if (flag.options && !flag.options.includes(text)) {
    throw new PlaitError('usage', `${showText(text)} is not one of ${flag.options.join(', ')}`);
  }
  return flag.parse(text, context as never, flag);
}

/** A source of settings: what it holds for a flag of a command. */
export type Source = (command: string, flag: string) => Found | undefined;

export const envSource =
  (env: Record<string, string | undefined>): Source =>
  (command, flag) => {
    const name = envName(command, flag);
    const text = env[name];
    return text === undefined || text === '' ? undefined : { text, origin: name };
  };

export const configSource =
  (values: Record<string, string>, origin: string): Source =>
  (command, flag) => {
    const key = configKey(command, flag);
    if (key === undefined || !Object.hasOwn(values, key)) return undefined;
    return { text: values[key], origin: `config key ${key} (${origin})` };
  };
