/**
 * Bundles src and the packages that it uses: a light command opened 330 files before its first line of work, which cost
 * more than the work. Type checks are the compiler's business, not this file's.
 *   dist/cli/main.js      what is needed before the program: its version, and ending well
 *   dist/cli/program.js   all else. Dynamic imports are in it too: their code is read, but runs when it is asked for
 *   dist/core/errors.js   shared by both: an error that crosses from one to the other must be of one class
 *   dist/commands/**      where oclif and find-command.ts look for commands: a line each that leads into program.js
 *   dist/{blob,hub,cli}   threads, loaded by path; they share chunks, so that a class is the same on both sides of them
 */
import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { basename, dirname, join, relative, sep } from 'node:path';
import { type BuildOptions, build, type Plugin } from 'esbuild';

/** Code of threads: of the blob engine; of the hub, with the store that it opens. */
const THREADS = [
  'blob/work/entry',
  'hub/meta-worker',
  'cli/hub-meta',
  'cli/maintain-worker',
  'cli/doctor-worker',
  'meta/index',
];

/** Bundled CommonJS code calls `require`, which an ES module does not have. Built-in modules are all it asks for. */
const BANNER = `const require = (id) =>
  process.getBuiltinModule(id) ?? process.getBuiltinModule('node:module').createRequire(import.meta.url)(id);`;

/** Writes the bundle into `outdir`, which must be called dist when the program runs from it. */
export async function bundle(root: string, outdir: string): Promise<void> {
  const src = join(root, 'src');
  const commands = globSync('commands/**/*.ts', { cwd: src }).map((file) => withoutExtension(slashes(file)));
  const plugins = [ownSources(src), outside(), lazyRequires(), slimUndici()];
  const common: BuildOptions = {
    absWorkingDir: root,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    external: ['typescript'],
    banner: { js: BANNER },
    legalComments: 'none',
    logLevel: 'warning',
    plugins,
  };
  const program = join(outdir, 'cli/program.js');
  await build({ ...common, entryPoints: [join(src, 'core/errors.ts')], outdir: join(outdir, 'core') });
  await build({
    ...common,
    stdin: { contents: programSource(commands), resolveDir: src },
    outfile: program,
    plugins: [sharedErrors(), ...plugins],
  });
  await build({
    ...common,
    entryPoints: [join(src, 'cli/main.ts')],
    outdir: join(outdir, 'cli'),
    plugins: [sharedErrors(), intoProgram(), ...plugins],
  });
  await build({
    ...common,
    entryPoints: THREADS.map((name) => join(src, `${name}.ts`)),
    outbase: src,
    outdir,
    splitting: true,
    chunkNames: 'chunks/[name]-[hash]',
  });
  for (const name of commands) writeCommand(join(outdir, `${name}.js`), program, name);
}

/** What main.ts imports dynamically, under the same names, and the commands. */
const programSource = (commands: string[]): string => `
  export { findCommand, loadCommand } from './cli/find-command.ts';
  export { runCommand } from './cli/run-command.ts';
  export { normalizeFailure, printFailure } from './cli/failure.ts';
  export const showHelp = async (words) => (await import('./cli/help.ts')).showHelp(words);
  export const commands = { ${commands.map((name) => `'${name}': () => import('./${name}.ts'),`).join(' ')} };
`;

function sharedErrors(): Plugin {
  return {
    name: 'shared-errors',
    setup(build) {
      build.onResolve({ filter: /\/errors\.ts$/ }, ({ path, resolveDir }) =>
        slashes(join(resolveDir, path)).endsWith('/src/core/errors.ts')
          ? { path: '../core/errors.js', external: true }
          : undefined,
      );
    },
  };
}

function intoProgram(): Plugin {
  return {
    name: 'into-program',
    setup(build) {
      build.onResolve({ filter: /^\./ }, ({ kind }) =>
        kind === 'dynamic-import' ? { path: './program.js', external: true } : undefined,
      );
    },
  };
}

function writeCommand(file: string, program: string, name: string): void {
  const from = slashes(relative(dirname(file), program));
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `import { commands } from '${from}';\nexport default (await commands['${name}']()).default;\n`);
}

const slashes = (path: string): string => path.split(sep).join('/');
const withoutExtension = (file: string): string => file.replace(/\.ts$/, '');

/** Our own modules, written for running from src as they are. */
function ownSources(src: string): Plugin {
  return {
    name: 'own-sources',
    setup(build) {
      build.onLoad({ filter: /\.ts$/ }, ({ path }) => {
        const file = slashes(relative(src, path));
        if (file.startsWith('..')) return undefined;
        return { contents: ownPlace(directBuiltins(readFileSync(path, 'utf8')), file), loader: 'ts' };
      });
    },
  };
}

/** A module in a chunk still believes that it is where its source is: import.meta.url leads to dist/<its own path>. */
function ownPlace(text: string, file: string): string {
  const own = `${withoutExtension(file)}.js`;
  const url = `(import.meta.url.slice(0, import.meta.url.lastIndexOf('/dist/')) + '/dist/${own}')`;
  return text
    .replaceAll(/import\.meta\.url\b/g, url)
    .replaceAll(/import\.meta\.dirname\b/g, `decodeURIComponent(new URL('.', ${url}).pathname).slice(0, -1)`);
}

/**
 * Importing a built-in module makes Node read every property of it, and so load what stands behind each: node:fs alone
 * brings promises, streams and readline. Taking the wanted properties does not.
 */
function directBuiltins(text: string): string {
  const imports = /^import (?!type\b)(?:(\w+)|\{([^}]*)\}) from ('node:[\w/]+');$/gm;
  return text.replaceAll(imports, (_all, whole: string | undefined, named: string | undefined, id: string) => {
    const parts = (named ?? '').split(',').map((part) => part.trim());
    const names = parts.filter((part) => part !== '' && !part.startsWith('type '));
    const types = parts.filter((part) => part.startsWith('type '));
    const wanted = whole ?? `{ ${names.map((name) => name.replace(' as ', ': ')).join(', ')} }`;
    const erased = types.length > 0 ? `import { ${types.join(', ')} } from ${id}; ` : '';
    return `${erased}const ${wanted} = process.getBuiltinModule(${id});`;
  });
}

/**
 * Imports that stay imports are carried out at start, whoever needs them. So built-in modules that packages import, and
 * fastify, which compiles code at run time and is left in node_modules, are asked for by `require` in their place.
 */
function outside(): Plugin {
  return {
    name: 'outside',
    setup(build) {
      build.onResolve({ filter: /^[a-z]/ }, ({ path, kind }) => {
        if (kind === 'require-call' || !(path === 'fastify' || isBuiltin(path))) return undefined;
        return { path, namespace: 'outside' };
      });
      build.onResolve({ filter: /^fastify$/ }, () => ({ path: 'fastify', external: true }));
      build.onLoad({ filter: /./, namespace: 'outside' }, ({ path }) => ({
        contents: `module.exports = require('${path}');`,
      }));
    },
  };
}

/**
 * @oclif/core loads help, config, spinners and their packages with the first flag that is declared. Its compiled
 * modules name what they import in one way (`const x_1 = require('./x')`, then `x_1.y`), so each import can wait until
 * it is used.
 */
function lazyRequires(): Plugin {
  const declared = /^(?:const|var) (\w+_\d+|[A-Z]\w*) = ((?:__import(?:Default|Star)\()?require\("[^"]+"\)\)?);$/gm;
  return {
    name: 'lazy-requires',
    setup(build) {
      build.onLoad({ filter: /node_modules[\\/]@oclif[\\/]core[\\/]lib[\\/].*\.js$/ }, ({ path }) => {
        const text = readFileSync(path, 'utf8');
        const found = [...text.matchAll(declared)];
        if (found.length === 0) return undefined;
        const used = new RegExp(`(?<![\\w$.'"])(${found.map(([, name]) => name).join('|')})(?=[.)])`, 'g');
        const body = text.replaceAll(declared, '').replaceAll(used, 'lazy_.$1');
        const getters = found.map(([, name, load]) => `get ${name}() { return lazyKept_.${name} ??= ${load}; },`);
        return { contents: `"use strict"; const lazyKept_ = {}; const lazy_ = { ${getters.join(' ')} };\n${body}` };
      });
    },
  };
}

/** Parts of undici that src/remote never asks for: HTTP/2 (and TLS with it), a second parser, bodies that are forms. */
const LEFT_OUT: Record<string, [code: string, replacement: string]> = {
  'client.js': ["require('./client-h2.js')", "() => { throw new Error('HTTP/2 is not in this bundle'); }"],
  'client-h1.js': ["require('./parser-h1.js')", '{ getMiloEnabled: () => false }'],
};

function slimUndici(): Plugin {
  return {
    name: 'slim-undici',
    setup(build) {
      build.onLoad({ filter: /undici[\\/]lib[\\/]dispatcher[\\/]client(-h1)?\.js$/ }, ({ path }) => {
        const text = readFileSync(path, 'utf8');
        const [code, replacement] = LEFT_OUT[basename(path)];
        if (!text.includes(code)) throw new Error(`${path} has changed: look at LEFT_OUT in scripts/bundle.ts`);
        const forms = "require('../web/fetch/body.js').extractBody";
        return { contents: text.replace(code, replacement).replaceAll(forms, 'undefined') };
      });
    },
  };
}
