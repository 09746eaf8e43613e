/**
 * Bundles src/page for browsers into dist/page: the page itself, and what it loads under names that change with their
 * content, so that browsers may keep them for ever. `LICENSES.txt` names whose code is in it.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { build } from 'esbuild';

/** Packages that are bundled into the page; their licences ask to be named. */
const BUNDLED = ['diff'];

export async function bundlePage(root: string, outdir: string): Promise<void> {
  const src = join(root, 'src/page');
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: { page: join(src, 'index.ts'), style: join(src, 'style.css'), icon: join(src, 'icon.svg') },
    outdir,
    entryNames: '[name]-[hash]',
    assetNames: '[name]-[hash]',
    loader: { '.svg': 'copy' },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: ['chrome120', 'firefox120', 'safari17'],
    legalComments: 'none',
    logLevel: 'warning',
    metafile: true,
    // core/paths and core/bytes name Buffer in functions that the page does not call; hashing is not for it.
    external: ['node:*'],
  });
  const outputs = Object.keys(metafile.outputs).map((file) => basename(file));
  const named = (start: string, end: string): string => {
    const found = outputs.find((file) => file.startsWith(`${start}-`) && file.endsWith(end));
    if (found === undefined) throw new Error(`the page has no ${start}${end}`);
    // Relative: a proxy may put the hub below a path of its own.
    return `page/${found}`;
  };
  const html = readFileSync(join(src, 'index.html'), 'utf8')
    .replace('ICON', named('icon', '.svg'))
    .replace('STYLE', named('style', '.css'))
    .replace('SCRIPT', named('page', '.js'));
  mkdirSync(outdir, { recursive: true });
  writeFileSync(join(outdir, 'index.html'), html);
  const licences = BUNDLED.map((name) => {
    const text = readFileSync(join(root, 'node_modules', name, 'LICENSE'), 'utf8');
    return `${name}\n\n${text}`;
  });
  writeFileSync(join(outdir, 'LICENSES.txt'), licences.join('\n'));
}
