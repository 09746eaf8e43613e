import assert from 'node:assert/strict';
import { join } from 'node:path';
import { ESLint } from 'eslint';
import { violation } from '../../scripts/lint/layers.ts';

const root = join(import.meta.dirname, '../..');

describe('lint: the layer table', () => {
  const rows: [file: string, specifier: string, typeOnly: boolean, expected: RegExp | undefined][] = [
    ['core/a.ts', './b.ts', false, undefined],
    ['core/a.ts', 'node:fs', false, /pure/],
    ['core/a.ts', 'node:crypto', false, /pure/],
    ['core/hash.ts', 'node:crypto', false, undefined],
    ['core/a.ts', 'undici', false, /pure/],
    ['core/a.ts', '../wire/x.ts', true, /pure/],
    ['blob/a.ts', '../meta/index.ts', false, /know nothing of each other/],
    ['blob/pack/a.ts', '../../disk/index.ts', false, undefined],
    ['blob/a.ts', 'node:sqlite', false, undefined],
    ['volume/a.ts', 'node:sqlite', false, /at home in src\/blob, src\/meta only/],
    ['transfer/a.ts', '../blob/contract.ts', false, undefined],
    ['transfer/a.ts', '../blob/index.ts', false, /contracts of blob and meta only/],
    ['remote/a.ts', 'undici', false, undefined],
    ['sync/a.ts', 'undici', false, /at home in src\/remote only/],
    ['sync/a.ts', '../remote/index.ts', false, /Peer contract/],
    ['cli/a.ts', '@oclif/core/command', false, undefined],
    ['hub/a.ts', '@oclif/core', false, /at home in src\/cli, src\/commands only/],
    ['cli/a.ts', '../commands/version.ts', false, /never imported/],
    ['commands/a.ts', '../core/errors.ts', true, undefined],
    ['commands/a.ts', '../core/errors.ts', false, /only types of src\/core/],
    ['commands/remote/a.ts', '../../cli/base-command.ts', false, undefined],
    ['cli/a.ts', 'left-pad', false, /no home/],
    ['page/views/a.ts', '../../core/errors.ts', false, undefined],
    ['page/a.ts', '../hub/index.ts', true, /browsers/],
    ['page/a.ts', 'node:fs', false, /browsers/],
    ['elsewhere/a.ts', './b.ts', false, /no row/],
  ];
  for (const [file, specifier, typeOnly, expected] of rows) {
    it(`${file} ${typeOnly ? 'imports types of' : 'imports'} ${specifier}: ${expected ? 'refused' : 'fine'}`, () => {
      const message = violation(file, specifier, typeOnly);
      if (expected === undefined) assert.equal(message, undefined);
      else assert.match(message ?? '', expected);
    });
  }
});

describe('lint: rules that fire', () => {
  // One program for all snippets; the texts stand in for a file that exists, as typed rules need one.
  const lint = async (file: string, text: string): Promise<string[]> => {
    const [result] = await new ESLint({ cwd: root }).lintText(text, { filePath: join(root, file) });
    return result.messages.map((m) => m.ruleId ?? `fatal: ${m.message}`);
  };

  it('reports each kind of violation in one core file', async () => {
    const text = [
      "import { readFileSync } from 'node:fs';",
      "export * from './ids.ts';",
      "export const later = () => import('undici');",
      'export function f(): string {',
      '  void readFileSync;',
      '  Promise.resolve(1);',
      '  [1].forEach(async () => {});',
      '  return process.title + Date.now();',
      '}',
    ].join('\n');
    const rules = await lint('src/core/ids.ts', text);
    for (const rule of [
      'plait/layers',
      'no-restricted-syntax',
      '@typescript-eslint/no-floating-promises',
      '@typescript-eslint/no-misused-promises',
      'no-restricted-globals',
      'no-restricted-properties',
    ]) {
      assert.ok(rules.includes(rule), `${rule} did not fire: ${rules.join(', ')}`);
    }
    assert.equal(rules.filter((r) => r === 'plait/layers').length, 2);
  }).timeout(180_000);

  it('has nothing to say about clean code', async () => {
    assert.deepEqual(await lint('src/core/ids.ts', 'export const one = 1;\n'), []);
  }).timeout(180_000);
});
