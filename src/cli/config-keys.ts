/**
 * The keys of a store's configuration: every flag (`lock-wait`, `push.max-delete`, `remote-add.ca`), and settings of the
 * engine that no flag has. Keys and values are checked when they are set, so that a typing error does not lie in wait.
 */
import { join } from 'node:path';
import { PlaitError } from '../core/errors.ts';
import { showText } from '../core/paths.ts';
import type { ConfigStore } from './config-store.ts';
import { COMMANDS, EXTENSION, findCommand, loadCommand } from './find-command.ts';
import { globalFlags } from './flags.ts';
import { HUB_LIMITS, TOKEN_LIMIT } from './hub-limits.ts';
import { SERVICE_KEYS } from './hub-service.ts';
import { flagsOf } from './parse-input.ts';
import { configKey, convert } from './settings.ts';
import { parseBoolean, parseDuration, parsePercent, parseSize } from './units.ts';

interface EngineKey {
  pattern: RegExp;
  /** For messages. */
  form: string;
  check: (value: string) => unknown;
}

const text = (value: string): void => {
  if (value.trim() === '' || /[\u0000-\u001f\u007f]/.test(value)) {
    throw new PlaitError('usage', `not a plain line of text: ${showText(value)}`);
  }
};

/** A hold that ends at once would hold nothing. */
function someTime(value: string): void {
  if (parseDuration(value) > 0) return;
  throw new PlaitError('usage', `not a time for a hold to last: ${showText(value)}`, {
    hint: 'write it like 30m or 4h',
  });
}

/** Of a file in the working directory, from its top. */
function pathInside(value: string): void {
  text(value);
  const parts = value.split('/');
  if (!value.startsWith('/') && parts.every((part) => part !== '..') && parts.some((part) => !/^\.?$/.test(part)))
    return;
  throw new PlaitError('usage', `not a path in the working directory: ${showText(value)}`, {
    hint: 'write it from the top of the directory, like db/app.lock',
  });
}

export const ENGINE_KEYS: readonly EngineKey[] = [
  { pattern: /^creator$/, form: 'creator', check: text },
  { pattern: /^doctor\.min-free$/, form: 'doctor.min-free', check: parseSize },
  { pattern: /^doctor\.scrub-age$/, form: 'doctor.scrub-age', check: parseDuration },
  { pattern: /^hold\.expires$/, form: 'hold.expires', check: someTime },
  { pattern: /^watch\.lock-file$/, form: 'watch.lock-file', check: pathInside },
  { pattern: /^max-delete$/, form: 'max-delete', check: parsePercent },
  { pattern: /^label$/, form: 'label', check: text },
  { pattern: /^members\.retire-after$/, form: 'members.retire-after', check: parseDuration },
  { pattern: /^maintain\.scrub-budget$/, form: 'maintain.scrub-budget', check: parseSize },
  { pattern: /^remote\.[^.]+\.enabled$/, form: 'remote.NAME.enabled', check: parseBoolean },
  ...Object.keys(HUB_LIMITS).map((key) => ({
    pattern: new RegExp(`^${key.replace('.', '\\.')}$`),
    form: key,
    check: parseSize,
  })),
  ...Object.entries(SERVICE_KEYS).map(([key, check]) => ({
    pattern: new RegExp(`^${key.replace('.', '\\.')}$`),
    form: key,
    check,
  })),
  { pattern: TOKEN_LIMIT, form: 'hub.token-bytes.TOKEN', check: parseSize },
];

/** Throws `usage` when the key is not known or the value is none for it. */
export async function checkSetting(key: string, value: string): Promise<void> {
  const engine = ENGINE_KEYS.find(({ pattern }) => pattern.test(key));
  if (engine) {
    engine.check(value);
    return;
  }
  const { id, flag } = await flagOf(key);
  const cls = await loadCommand({ id, file: join(COMMANDS, ...id.split(':')) + EXTENSION, argv: [] });
  const context = new cls([], { bin: 'plait' } as never);
  await convert(flag, flagsOf(cls)[flag] as never, { text: value, origin: `config key ${key}` }, context);
}

/** The command and flag that a key belongs to. */
async function flagOf(key: string): Promise<{ id: string; flag: string }> {
  const unknown = new PlaitError('usage', `no configuration key ${showText(key)}`, {
    hint: `keys are flags (lock-wait, push.max-delete) and ${ENGINE_KEYS.map((k) => k.form).join(', ')}`,
  });
  if (Object.hasOwn(globalFlags, key) && configKey('version', key) !== undefined) return { id: 'version', flag: key };
  const [verb, flag, more] = key.split('.');
  if (flag === undefined || more !== undefined || !/^[a-z-]+$/.test(verb)) throw unknown;
  const id = commandIds(verb).find((candidate) => candidate !== undefined);
  if (id === undefined) throw unknown;
  const cls = await loadCommand({ id, file: join(COMMANDS, ...id.split(':')) + EXTENSION, argv: [] });
  if (!Object.hasOwn(cls.flags ?? {}, flag)) throw unknown;
  return { id, flag };
}

/** `remote-add` is the command `remote add`: a verb has no hyphen of its own. */
function commandIds(verb: string): (string | undefined)[] {
  return [[verb], verb.split('-')].map((words) => {
    try {
      const found = findCommand(words);
      return found.argv.length === 0 ? found.id : undefined;
    } catch {
      return undefined;
    }
  });
}

/** The value of a key; throws `not-found` where it is not set. */
export function readSetting(config: ConfigStore, key: string): string {
  const values = config.read();
  if (Object.hasOwn(values, key)) return values[key];
  throw new PlaitError('not-found', `${showText(key)} is not set in ${showText(config.origin)}`, {
    hint: 'see `plait config list`',
  });
}

/** Sorted by key. */
export function listSettings(config: ConfigStore): Record<string, string> {
  return Object.fromEntries(Object.entries(config.read()).sort(([a], [b]) => (a < b ? -1 : 1)));
}
