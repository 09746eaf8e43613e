// Formatting and quick checks are biome's; this adds what needs types (promises) and the layer table.
import tseslint from 'typescript-eslint';
import { layersRule } from './scripts/lint/layers.ts';

/** Of node:fs and node:fs/promises: whatever changes a file, a folder or their attributes. `open` also reads. */
const WRITING = [
  ...[
    'appendFile',
    'chmod',
    'chown',
    'copyFile',
    'cp',
    'fchmod',
    'fchown',
    'fdatasync',
    'fsync',
    'ftruncate',
    'futimes',
  ],
  ...[
    'lchmod',
    'lchown',
    'link',
    'lutimes',
    'mkdir',
    'mkdtemp',
    'rename',
    'rm',
    'rmdir',
    'symlink',
    'truncate',
    'unlink',
  ],
  ...['utimes', 'write', 'writeFile', 'writev'],
].flatMap((name) => [name, `${name}Sync`]);
const writes = 'what changes files goes through src/disk, so that crash tests record and replay every step of it';

const EVERYWHERE = [
  { selector: 'ExportAllDeclaration', message: 'export * hides what a folder offers: name each export' },
  {
    selector: "CallExpression[callee.property.name='slice'][arguments.length=0]",
    message: 'slice() of a Buffer copies nothing: copyOf (core/bytes.ts) for bytes, [...list] for arrays',
  },
];

const impure =
  ' is not for src/core or src/sync: pass clock, randomness and environment in, so that runs are repeatable';

export default tseslint.config(
  { ignores: ['dist/', 'coverage/', 'node_modules/', '**/*.js'] },
  {
    files: ['src/**/*.ts', 'test/**/*.ts', 'bench/**/*.ts', 'scripts/**/*.ts'],
    languageOptions: {
      parser: tseslint.parser,
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    plugins: { '@typescript-eslint': tseslint.plugin, plait: { rules: { layers: layersRule } } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      'plait/layers': 'error',
    },
  },
  {
    files: ['src/**/*.ts'],
    rules: {
      'no-restricted-syntax': ['error', ...EVERYWHERE],
    },
  },
  {
    files: ['src/**/*.ts'],
    ignores: ['src/disk/**'],
    rules: {
      'no-restricted-syntax': [
        'error',
        ...EVERYWHERE,
        {
          selector: "CallExpression[callee.name='openSync']:not([arguments.1.value='r'])",
          message: `open for reading only ('r'): ${writes}`,
        },
      ],
      'no-restricted-imports': [
        'error',
        {
          paths: ['node:fs', 'node:fs/promises', 'fs', 'fs/promises'].map((name) => ({
            name,
            importNames: [...WRITING, 'createWriteStream', 'open', 'promises', 'default'],
            message: writes,
          })),
        },
      ],
    },
  },
  {
    files: ['src/core/**/*.ts', 'src/sync/**/*.ts'],
    rules: {
      'no-restricted-globals': ['error', { name: 'process', message: `process${impure}` }],
    },
  },
  {
    files: ['src/core/**/*.ts'],
    rules: {
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now', message: `Date.now${impure}` },
        { object: 'Math', property: 'random', message: `Math.random${impure}` },
      ],
    },
  },
);
