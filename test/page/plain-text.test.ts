/** Which contents are text, and that nothing in them acts on the page. */
import assert from 'node:assert/strict';
import { shownContent, textOf } from '../../src/page/plain-text.ts';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('page: contents as text', () => {
  const table: [what: string, bytes: Uint8Array, cut: boolean, expected: string | undefined][] = [
    ['empty', utf8(''), false, ''],
    ['text', utf8('grüße\n'), false, 'grüße\n'],
    ['a byte order mark stays', utf8('\ufeffa'), false, '\ufeffa'],
    ['NUL', utf8('a\0b'), false, undefined],
    ['no UTF-8', Uint8Array.of(0x61, 0xff), false, undefined],
    ['latin1', Uint8Array.of(0xe4, 0x20), true, undefined],
    ['half a character where nothing was cut', utf8('aü').subarray(0, 2), false, undefined],
    ['half a character where it was cut', utf8('aü').subarray(0, 2), true, 'a'],
  ];
  for (const [what, bytes, cut, expected] of table) it(what, () => assert.equal(textOf(bytes, { cut }), expected));

  for (const [text, expected] of [
    ['a\tb\nc', 'a\tb\nc'],
    ['\u202egnp.exe', '\\u202egnp.exe'],
    ['a\r\n', 'a\\r\n'],
    ['\u001b[31m', '\\u001b[31m'],
    ['"quoted"', '"quoted"'],
    ['<b>&amp;', '<b>&amp;'],
  ])
    it(`shows ${JSON.stringify(text)}`, () => assert.equal(shownContent(text), expected));
});
