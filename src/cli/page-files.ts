/** The files of the hub's page, as the build has left them beside the program. */
import { readdirSync, readFileSync } from 'node:fs';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { PageFile } from '../hub/page.ts';

const TYPES: Record<string, string> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
};

/** Undefined where nothing was built: a program that runs from its sources. */
export function readPageFiles(): PageFile[] | undefined {
  // From src/cli and from dist/cli alike.
  const dir = fileURLToPath(new URL('../../dist/page/', import.meta.url));
  try {
    return readdirSync(dir).map((name) => ({
      path: name === 'index.html' ? '/' : `/page/${name}`,
      type: TYPES[extname(name)] ?? 'application/octet-stream',
      bytes: readFileSync(`${dir}${name}`),
    }));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
