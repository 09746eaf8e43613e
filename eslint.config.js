// Formatting and quick checks are biome's; this adds what needs types (promises) and the layer table.
import tseslint from 'typescript-eslint';
import { layersRule } from './scripts/lint/layers.ts';

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
      'no-restricted-syntax': [
        'error',
        { selector: 'ExportAllDeclaration', message: 'export * hides what a folder offers: name each export' },
        {
          selector: "CallExpression[callee.property.name='slice'][arguments.length=0]",
          message: 'slice() of a Buffer copies nothing: copyOf (core/bytes.ts) for bytes, [...list] for arrays',
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
