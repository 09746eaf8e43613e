/** Headers of an answer whose bytes are somebody's data: to be saved, never to be shown as part of this origin. */
import { jsonPath, type PathKey } from '../../core/paths.ts';

/** What would rewrite the line that shows a name, or is no part of one. */
const UNSAFE = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff/\\]/gu;

/** Of RFC 5987: all but attr-char is encoded, which encodeURIComponent does but for these. */
const encoded = (text: string): string =>
  encodeURIComponent(text).replace(/['()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);

/**
 * @param plain A fixed name for clients that do not know the other form: no name of a snapshot stands in it.
 * @param name Bytes of the name, as in a path.
 */
export function attachment(plain: string, name: string, suffix = ''): Record<string, string> {
  const shown = jsonPath(name as PathKey).path.replace(UNSAFE, '_');
  return {
    'content-disposition': `attachment; filename="${plain}${suffix}"; filename*=UTF-8''${encoded(shown + suffix)}`,
    'content-security-policy': "default-src 'none'; sandbox",
    'x-content-type-options': 'nosniff',
    // A hub without tokens answers the browser of its user whatever page asks.
    'cross-origin-resource-policy': 'same-origin',
  };
}
