/** Paths as views carry them: text where it is text, exact bytes where not; pure. */
import { showText } from '../core/paths.ts';
import type { ViewPath } from '../wire/views.ts';

export function bytesOfPath({ path, pathBase64 }: ViewPath): Uint8Array<ArrayBuffer> {
  if (pathBase64 === undefined) return new TextEncoder().encode(path);
  return Uint8Array.from(atob(pathBase64), (c) => c.charCodeAt(0));
}

/** As queries and addresses of this page carry it: base64url of the raw bytes. */
export const encodePath = (path: ViewPath): string =>
  btoa(String.fromCharCode(...bytesOfPath(path)))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The other way round. Throws for what is no base64url. */
export function decodePath(encoded: string): ViewPath {
  const latin1 = atob(encoded.replaceAll('-', '+').replaceAll('_', '/'));
  const bytes = Uint8Array.from(latin1, (c) => c.charCodeAt(0));
  try {
    return { path: utf8.decode(bytes) };
  } catch {
    return { path: new TextDecoder().decode(bytes), pathBase64: btoa(latin1) };
  }
}

/** Undecodable bytes as \xNN, as the command line shows them. */
export function shownPath({ path, pathBase64 }: ViewPath): string {
  if (pathBase64 === undefined) return showText(path);
  const escaped = [...bytesOfPath({ path, pathBase64 })].map((byte) =>
    byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`,
  );
  return `"${escaped.join('')}"`;
}

/** Of the folder that holds it; '' at the root. */
export function parentPath(path: ViewPath): ViewPath {
  const bytes = bytesOfPath(path);
  return pathOfBytes(bytes.subarray(0, Math.max(0, bytes.lastIndexOf(0x2f))));
}

export function lastName(path: ViewPath): ViewPath {
  const bytes = bytesOfPath(path);
  return pathOfBytes(bytes.subarray(bytes.lastIndexOf(0x2f) + 1));
}

const pathOfBytes = (bytes: Uint8Array): ViewPath => decodePath(btoa(String.fromCharCode(...bytes)));
