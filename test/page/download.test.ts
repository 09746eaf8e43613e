/** Downloads: a name from a snapshot chooses no folder, and a short answer is never a file. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { counted } from '../../src/page/download/counted.ts';
import { saveName } from '../../src/page/download/file-name.ts';

describe('page: names of downloads', () => {
  const table: [path: string, options: { tar?: boolean; whole?: string }, expected: string][] = [
    ['a/b/data.csv', {}, 'data.csv'],
    ['a/b', { tar: true }, 'b.tar'],
    ['', { tar: true, whole: 'results-3f2a' }, 'results-3f2a.tar'],
    ['x\\..\\y', {}, 'x_.._y'],
    ['a/..', {}, '__'],
    ['.bashrc', {}, '_bashrc'],
    ['\u202efdp.exe', {}, '_fdp.exe'],
    ['a\0b\nc', {}, 'a_b_c'],
    ['C:file', {}, 'C_file'],
    ['grüße.txt', {}, 'grüße.txt'],
    [`${'n'.repeat(300)}.csv`, {}, `${'n'.repeat(196)}.csv`],
  ];
  for (const [path, options, expected] of table)
    it(`${JSON.stringify(path.slice(0, 20))} is saved as ${expected.slice(0, 20)}`, () =>
      assert.equal(saveName(path, options), expected));

  it('is one component that no system takes for more', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (path) => {
        const name = saveName(path);
        assert.ok(name.length > 0 && [...name].length <= 200);
        assert.doesNotMatch(name, /[/\\:\p{Cc}\p{Cf}]|^\.|\.$/u);
      }),
    );
  });
});

describe('page: counted streams', () => {
  const read = async (pieces: number[], expected: number | undefined): Promise<[number, number[]]> => {
    const passed: number[] = [];
    const source = ReadableStream.from(pieces.map((length) => new Uint8Array(length)));
    const bytes = await new Response(source.pipeThrough(counted(expected, (sum) => passed.push(sum)))).bytes();
    return [bytes.length, passed];
  };
  for (const expected of [undefined, 6])
    it(`passes on what comes, ${expected ?? 'nobody knows how much'}`, async () =>
      assert.deepEqual(await read([1, 2, 3], expected), [6, [1, 3, 6]]));
  for (const expected of [5, 7, 0])
    it(`fails at 6 bytes of ${expected}`, () => assert.rejects(read([1, 2, 3], expected), { code: 'network' }));
});
