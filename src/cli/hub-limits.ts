/** Limits of a served store, from its configuration: keys `hub.*`. They have no flags: a hub keeps them over restarts. */
import { PlaitError } from '../core/errors.ts';
import { showText } from '../core/paths.ts';
import type { ConfigStore } from './config-store.ts';
import { parseSize } from './units.ts';

/** By key; the names are those of ServerLimits (transfer/server.ts). All are bytes. */
export const HUB_LIMITS = {
  'hub.snapshot-bytes': 'snapshotBytes',
  'hub.upload-bytes': 'uploadBytes',
  'hub.volset-bytes': 'volsetBytes',
  'hub.quarantine-bytes': 'quarantineBytes',
  'hub.token-bytes': 'tokenBytes',
} as const;

/** Of one token, by its id. */
export const TOKEN_LIMIT = /^hub\.token-bytes\.([0-9a-f]{12})$/;

export type HubLimits = Partial<Record<(typeof HUB_LIMITS)[keyof typeof HUB_LIMITS], number>> & {
  tokenBytesOf?: Record<string, number>;
};

/** Only what is set. Throws `bad-config` for a value that `config set` would have refused. */
export function hubLimits({ origin, read }: Pick<ConfigStore, 'origin' | 'read'>): HubLimits {
  const values = read();
  const limits: HubLimits = {};
  for (const [key, name] of Object.entries(HUB_LIMITS)) {
    if (values[key] !== undefined) limits[name] = sizeOf(values[key], key, origin);
  }
  const single = Object.keys(values).flatMap((key) => {
    const id = TOKEN_LIMIT.exec(key)?.[1];
    return id === undefined ? [] : [[id, sizeOf(values[key], key, origin)] as const];
  });
  if (single.length > 0) limits.tokenBytesOf = Object.fromEntries(single);
  return limits;
}

function sizeOf(text: string, key: string, origin: string): number {
  try {
    return parseSize(text);
  } catch (cause) {
    throw new PlaitError('bad-config', `${key} in ${showText(origin)} is no size: ${showText(text)}`, {
      hint: `plait --store ${origin} config set ${key} 100G`,
      cause,
    });
  }
}
