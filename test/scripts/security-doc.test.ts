/** docs/security.md: every class has a row, in order, and every test that it names is there. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');
const CLASSES = 27;
const DOCS = ['security', 'testing', 'design', 'protocol', 'operations'];

const textOf = (name: string): string => readFileSync(join(root, 'docs', `${name}.md`), 'utf8');
const rowsOf = (text: string): string[][] =>
  text
    .split('\n')
    .filter((line) => line.startsWith('|') && !line.startsWith('|---'))
    .map((line) => line.slice(1, -1).split(' | '));
const filesIn = (text: string): string[] => [...text.matchAll(/\btest\/[\w./-]*\w/g)].map(([path]) => path);

describe('docs: security', () => {
  const rows = rowsOf(textOf('security'));
  const classes = rows.filter(([first]) => /^ \d+$/.test(first));

  it('has a row for each class, with a defence and a test', () => {
    assert.deepEqual(
      classes.map(([n]) => Number(n)),
      Array.from({ length: CLASSES }, (_, i) => i + 1),
    );
    for (const cells of classes) {
      assert.equal(cells.length, 4, cells[0]);
      for (const cell of cells) assert.notEqual(cell.trim(), '', cells[0]);
      assert.notEqual(filesIn(cells[3]).length, 0, cells[3]);
    }
  });

  it('names words of tests that stand in one of the files beside them', () => {
    for (const [n, , , cell] of classes) {
      const sources = filesIn(cell).map((path) => readFileSync(join(root, fileOf(path) ?? assert.fail(path)), 'utf8'));
      for (const [, words] of cell.matchAll(/`([^`]+)`/g))
        for (const part of words.split('…'))
          assert.ok(
            sources.some((source) => source.includes(part.trim())),
            `${n}: ${words}`,
          );
    }
  });

  for (const name of DOCS)
    it(`${name}.md names tests that there are`, () => {
      const missing = filesIn(textOf(name)).filter((path) => fileOf(path) === undefined);
      assert.deepEqual(missing, []);
    });
});

/** A test file, or as it stands. */
const fileOf = (path: string): string | undefined =>
  ['.test.ts', '.ts', ''].map((end) => path + end).find((file) => existsSync(join(root, file)));
