/** A diff that is read once, page by page, whichever of its letters are shown. */
import assert from 'node:assert/strict';
import { DiffPages, type Letter } from '../../src/page/diff/diff-pages.ts';
import type { DiffPage } from '../../src/wire/views.ts';

const { signal } = new AbortController();
const TOTALS = { added: 1, modified: 1, deleted: 1, typeChanged: 0, bytesBefore: 0, bytesAfter: 0, whole: true };

/** A page for each word, a row for each of its letters; `asked` are the places behind which pages were asked for. */
function diffOf(words: string[]): { pages: DiffPages; asked: (string | undefined)[] } {
  const asked: (string | undefined)[] = [];
  const read = async (after: string | undefined): Promise<DiffPage> => {
    asked.push(after);
    const at = Number(after ?? 0);
    const rows = [...words[at]].map((letter, i) => ({ letter: letter as Letter, path: `${at}/${i}` }));
    return { rows, next: at + 1 < words.length ? String(at + 1) : null, totals: at === 0 ? TOTALS : null };
  };
  return { pages: new DiffPages(read), asked };
}

async function all(pages: DiffPages, letter: Letter | null): Promise<string[]> {
  const paths: string[] = [];
  let after: string | undefined;
  for (;;) {
    const page = await pages.page(letter, after, signal);
    paths.push(...page.rows.map(({ path }) => path));
    if (page.next === null) return paths;
    after = page.next;
  }
}

describe('page: pages of a diff', () => {
  it('gives every row once, and reads every page once', async () => {
    const { pages, asked } = diffOf(['AM', 'D', '', 'MM']);
    assert.deepEqual(await all(pages, null), ['0/0', '0/1', '1/0', '3/0', '3/1']);
    assert.deepEqual(await all(pages, 'M'), ['0/1', '3/0', '3/1']);
    assert.deepEqual(await all(pages, 'T'), []);
    assert.deepEqual(asked, [undefined, '1', '2', '3']);
    assert.deepEqual(pages.totals, TOTALS);
  });

  it('reads on only as far as one letter needs', async () => {
    const { pages, asked } = diffOf(['A', 'A', 'D', 'A']);
    assert.deepEqual(
      (await pages.page('D', undefined, signal)).rows.map(({ path }) => path),
      ['2/0'],
    );
    assert.deepEqual(asked, [undefined, '1', '2']);
  });

  it('comes back from time to time where a letter is rare', async () => {
    const { pages, asked } = diffOf([...Array.from({ length: 50 }, () => 'A'), 'D']);
    const first = await pages.page('D', undefined, signal);
    assert.deepEqual(first.rows, []);
    assert.notEqual(first.next, null);
    assert.ok(asked.length < 50);
    assert.deepEqual(await all(pages, 'D'), ['50/0']);
  });

  it('goes on where a page failed', async () => {
    let fail = true;
    const pages = new DiffPages(async (after) => {
      if (after === '1' && fail) throw new Error('cut');
      return { rows: [{ letter: 'A', path: after ?? '0' }], next: after === undefined ? '1' : null, totals: null };
    });
    const { next } = await pages.page(null, undefined, signal);
    await assert.rejects(pages.page(null, next ?? undefined, signal), { message: 'cut' });
    fail = false;
    assert.deepEqual((await pages.page(null, next ?? undefined, signal)).rows, [{ letter: 'A', path: '1' }]);
  });

  it('two who ask at once wait for one page, and who gives up takes nothing from the other', async () => {
    const { pages, asked } = diffOf(['M', 'MA']);
    const first = await pages.page(null, undefined, signal);
    const gone = new AbortController();
    const both = [
      pages.page(null, first.next ?? undefined, gone.signal),
      pages.page('A', first.next ?? undefined, signal),
    ];
    gone.abort();
    const found = (await Promise.all(both)).map(({ rows }) => rows.map(({ path }) => path));
    assert.deepEqual(found, [['1/0', '1/1'], ['1/1']]);
    assert.deepEqual(asked, [undefined, '1']);
    assert.deepEqual(await all(pages, null), ['0/0', '1/0', '1/1']);
  });
});
