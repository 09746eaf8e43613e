/** URLs of hubs as people write them: `http(s)://HOST[:PORT][/VOLSET]`. */
import { PlaitError } from '../core/errors.ts';
import { showText } from '../core/paths.ts';

export interface HubUrl {
  /** `https://host:port`, without credentials, path or trailing slash. */
  origin: string;
  /** Name or id after the slash, decoded; undefined when there is none. */
  volset?: string;
}

/** Throws `usage` for anything but http and https, for credentials, and for more path than a volset. */
export function parseHubUrl(text: string): HubUrl {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new PlaitError('usage', `not a hub's URL: ${showText(withoutCredentials(text))}`, {
      hint: 'write http://HOST:PORT/VOLSET or https://HOST:PORT/VOLSET',
    });
  }
  if (url.username !== '' || url.password !== '') {
    throw new PlaitError('usage', `the URL of ${url.host} holds credentials`, {
      hint: 'leave them out: URLs end up in logs. Give a token with --token-file, --token-stdin or PLAIT_TOKEN',
    });
  }
  const path = url.pathname.replace(/\/$/, '').slice(1);
  if (path.includes('/') || url.search !== '' || url.hash !== '') {
    throw new PlaitError('usage', `the URL of ${url.host} names more than a volset`, {
      hint: 'write http://HOST:PORT/VOLSET',
    });
  }
  return path === '' ? { origin: url.origin } : { origin: url.origin, volset: decoded(path) };
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    throw new PlaitError('usage', `the volset's name in the URL is badly encoded: ${showText(path)}`);
  }
}

/** For messages about text that could not be parsed: whatever stands before an @ may be a password. */
const withoutCredentials = (text: string): string => text.slice(0, 200).replace(/\/\/[^/]*@/, '//…@');
