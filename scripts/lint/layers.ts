/**
 * The import table of docs/design.md as a lint rule. A folder of src may import the folders and packages that its row
 * names and nothing else; the message of a violation says why the border is there, since that is what decides where
 * the code should go instead.
 */
import { dirname, relative, resolve, sep } from 'node:path';
import type { Rule } from 'eslint';

interface Row {
  /** Folders that may be imported whole, beside the folder itself. */
  folders: readonly string[];
  /** Single files of other folders, relative to src. */
  files?: readonly string[];
  /** Folders of which types only may be imported. */
  types?: readonly string[];
  why: string;
}

const below = ['core', 'wire', 'disk', 'blob', 'meta', 'volume', 'transfer', 'remote', 'hub', 'sync'];
const apart = 'blob, meta and volume know nothing of each other: each can be tested, replaced and reasoned about alone';

export const LAYERS: Record<string, Row> = {
  core: { folders: [], why: 'core is pure: values in, values out, no I/O' },
  wire: { folders: ['core'], why: 'wire holds messages that client and hub share, so it depends on neither' },
  disk: { folders: ['core'], why: 'disk is the small set of primitives below all stores' },
  blob: { folders: ['core', 'disk'], why: apart },
  meta: { folders: ['core', 'disk'], why: apart },
  volume: { folders: ['core', 'disk'], why: apart },
  transfer: {
    folders: ['core', 'wire'],
    files: ['blob/contract.ts', 'blob/manifest/contract.ts', 'meta/contract.ts'],
    why: 'transfer works with any engine, so it sees the contracts of blob and meta only',
  },
  remote: { folders: ['core', 'wire'], why: 'remote is a peer over a connection; it holds no store' },
  hub: {
    folders: ['core', 'wire', 'blob', 'meta', 'transfer'],
    why: 'a hub serves stores; it has no working directory and runs no verbs',
  },
  sync: {
    folders: ['core', 'disk', 'blob', 'meta', 'volume', 'transfer'],
    why: 'sync reaches peers through the Peer contract of core, so that a hub and a store on this machine are the same to it',
  },
  page: {
    folders: ['core', 'wire'],
    why: 'the page runs in browsers and knows a hub by its messages only',
  },
  cli: { folders: below, why: 'cli is the composition root; commands are loaded by the manifest, never imported' },
  commands: {
    folders: ['cli', 'sync'],
    types: ['core'],
    why: 'a command is a thin adapter: flags in, one call of the engine, render',
  },
};

/** Package or built-in module -> the folders that may import it. */
export const HOMES: Record<string, readonly string[]> = {
  undici: ['remote'],
  'tar-stream': ['blob', 'transfer'],
  ora: ['cli'],
  chalk: ['cli'],
  '@oclif/core': ['cli', 'commands'],
  fastify: ['hub'],
  ignore: ['volume'],
  'node:sqlite': ['blob', 'meta'],
  diff: ['page'],
};

/** The one built-in module of core, in one file: hashing is a function of its input. */
const CORE_BUILTINS: Record<string, string> = { 'node:crypto': 'core/hash.ts' };

/** Reason why `file` (relative to src, `/` separated) may not import `specifier`; undefined when it may. */
export function violation(file: string, specifier: string, typeOnly: boolean): string | undefined {
  const folder = file.split('/')[0];
  const row = LAYERS[folder];
  if (row === undefined) return `src/${folder} is in no row of the layer table: give it one in scripts/lint/layers.ts`;
  return specifier.startsWith('.')
    ? ownCode(file, folder, row, specifier, typeOnly)
    : foreignCode(file, folder, specifier);
}

function ownCode(file: string, folder: string, row: Row, specifier: string, typeOnly: boolean): string | undefined {
  const target = relative('/', resolve('/', dirname(file), specifier))
    .split(sep)
    .join('/');
  const other = target.split('/')[0];
  if (other === folder || row.folders.includes(other) || row.files?.includes(target)) return undefined;
  if (row.types?.includes(other)) {
    return typeOnly ? undefined : `src/${folder} may import only types of src/${other}: ${row.why}`;
  }
  return `src/${folder} must not import src/${other}: ${row.why}`;
}

function foreignCode(file: string, folder: string, specifier: string): string | undefined {
  const name = packageName(specifier);
  if (folder === 'core') {
    if (CORE_BUILTINS[name] === file) return undefined;
    return `src/core must not import ${name}: ${LAYERS.core.why}`;
  }
  const homes = HOMES[name];
  if (homes === undefined) {
    if (name.startsWith('node:'))
      return folder === 'page' ? `src/page must not import ${name}: ${LAYERS.page.why}` : undefined;
    return `${name} has no home: a third-party package is used in one named folder, see scripts/lint/layers.ts`;
  }
  if (homes.includes(folder)) return undefined;
  const where = homes.map((home) => `src/${home}`).join(', ');
  return `${name} is at home in ${where} only, so that it can be replaced and loaded lazily in one place`;
}

function packageName(specifier: string): string {
  if (specifier.startsWith('node:')) return specifier;
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

interface ImportNode {
  source?: { value?: unknown } | null;
  importKind?: string;
  exportKind?: string;
}

export const layersRule: Rule.RuleModule = {
  meta: { type: 'problem', schema: [] },
  create(context) {
    const match = /(?:^|\/)src\/(.+)$/.exec(relative(context.cwd, context.filename).split(sep).join('/'));
    if (match === null) return {};
    const file = match[1];
    const check = (node: Rule.Node): void => {
      const { source, importKind, exportKind } = node as unknown as ImportNode;
      if (typeof source?.value !== 'string') return;
      const message = violation(file, source.value, importKind === 'type' || exportKind === 'type');
      if (message !== undefined) context.report({ node, message });
    };
    return {
      ImportDeclaration: check,
      ImportExpression: check,
      ExportNamedDeclaration: check,
      ExportAllDeclaration: check,
    };
  },
};
