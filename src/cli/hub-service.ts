/** How a served store is run, from its configuration: what has no flag because a hub keeps it over restarts. */
import { BlockList, isIP } from 'node:net';
import { isAbsolute } from 'node:path';
import { PlaitError } from '../core/errors.ts';
import { showText } from '../core/paths.ts';
import type { ConfigStore } from './config-store.ts';
import { parseSize } from './units.ts';

export interface HubService {
  /** Bytes that must be free for the hub to call itself healthy. */
  minFree: number;
  /** Where it is written who did what. */
  auditFile: string | undefined;
  trustedProxies: string[];
}

export const SERVICE_KEYS = {
  'hub.min-free': parseSize,
  'hub.audit-file': auditFile,
  'hub.trusted-proxies': parseProxies,
} as const;

/** Throws `bad-config` for a value that `config set` would have refused. */
export function hubService({ origin, read }: Pick<ConfigStore, 'origin' | 'read'>): HubService {
  const values = read();
  const setting = <T>(key: keyof typeof SERVICE_KEYS, parse: (text: string) => T): T | undefined => {
    if (values[key] === undefined) return undefined;
    try {
      return parse(values[key]);
    } catch (cause) {
      throw new PlaitError('bad-config', `${key} in ${showText(origin)} is not valid: ${showText(values[key])}`, {
        hint: `set it anew with \`plait --store ${origin} config set ${key} …\``,
        cause,
      });
    }
  };
  return {
    minFree: setting('hub.min-free', parseSize) ?? 0,
    auditFile: setting('hub.audit-file', auditFile),
    trustedProxies: setting('hub.trusted-proxies', parseProxies) ?? [],
  };
}

function auditFile(text: string): string {
  if (isAbsolute(text) && !/[\u0000-\u001f]/.test(text)) return text;
  throw new PlaitError('usage', `not the absolute path of a file: ${showText(text)}`, {
    hint: 'write it like /var/log/plait/audit.log',
  });
}

/** Addresses and CIDR blocks, separated by commas. */
export function parseProxies(text: string): string[] {
  const parts = text.split(',').map((part) => part.trim());
  for (const part of parts) if (!isBlock(part)) throw notProxies(part);
  return parts;
}

function isBlock(part: string): boolean {
  const [address, bits, more] = part.split('/');
  const family = isIP(address);
  if (family === 0 || more !== undefined) return false;
  if (bits === undefined) return true;
  // All of the world is no proxy.
  if (!/^[1-9]\d{0,2}$/.test(bits) || Number(bits) > (family === 4 ? 32 : 128)) return false;
  new BlockList().addSubnet(address, Number(bits), family === 4 ? 'ipv4' : 'ipv6');
  return true;
}

const notProxies = (part: string): PlaitError =>
  new PlaitError('usage', `not the address of a proxy: ${showText(part)}`, {
    hint: 'write addresses or blocks, separated by commas: 127.0.0.1,10.0.0.0/8',
  });
