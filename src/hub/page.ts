/** Static files of the hub's page, as routes. They hold nothing of any store, so everybody gets them. */
import type { Route } from './routes/route.ts';

export interface PageFile {
  /** `/`, or below `/page/`. */
  path: string;
  /** Media type. */
  type: string;
  bytes: Uint8Array;
}

/** Nothing but itself: no other origin, no inline script or style, no frame around it, no form that leaves it. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join('; ');

const HEADERS = {
  'content-security-policy': POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
};

/** For those whose names change with what is in them. */
const KEPT = { 'cache-control': 'public, max-age=31536000, immutable' };

const NAMED_BY_CONTENT = /-[0-9A-Z]{8}\.[a-z]+$/;

export const pageRoutes = (files: readonly PageFile[]): Route[] =>
  files.map(({ path, type, bytes }) => {
    // One and the same each time, so that it is compressed once.
    const file = Buffer.from(bytes);
    return {
      method: 'GET',
      path,
      summary: 'A file of the page',
      right: null,
      headers: NAMED_BY_CONTENT.test(path) ? { ...HEADERS, ...KEPT } : HEADERS,
      answer: { type, compressed: true },
      handle: async () => file,
    };
  });
