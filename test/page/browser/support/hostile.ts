/** Names and texts by people who want a page to do what they say. */

/** Whatever runs sets this. */
export const MARK = 'window.hacked = true';

const IMAGE = `<img src=x onerror="${MARK}">`;
const SCRIPT = `"><script>${MARK}</script>`;

/** Without what names of branches and volsets may not have: spaces, control characters, `:`. */
export const BRANCHES = [
  '"><svg/onload=window.hacked=1>',
  '<img/src=x/onerror=window.hacked=1>',
  '__proto__',
  'constructor',
  'x..%2f..%2fetc',
  '\u202egnp.exe',
  'zero\u200bwidth',
  '{{window.hacked=1}}',
  'b'.repeat(255),
];

export const DESCRIPTION = `${IMAGE}\n${SCRIPT}\u001b[31m \u202ereversed\u202c \u200bhidden javascript:${MARK}`;

export const FILES: [name: string, content: string][] = [
  [IMAGE, 'an image'],
  [SCRIPT.replaceAll('/', '\\'), 'a script'],
  ['javascript:window.hacked=1', 'a link'],
  ['data:text,x', 'data'],
  ['new\nline\ttab\u0001', 'control characters'],
  ['\u202etxt.exe', 'reversed'],
  ['a\u200bb', 'zero width'],
  ['__proto__', 'a prototype'],
  ['..%2f..%2fpasswd', 'not above'],
  ['%00', 'no end'],
  ['#frag?query&amp;', 'an address'],
  ['f'.repeat(255), 'long'],
  ['page.html', `<!doctype html><h1 id="rendered">Rendered</h1><script>${MARK}</script>${IMAGE}`],
  ['picture.svg', `<svg xmlns="http://www.w3.org/2000/svg" onload="${MARK}"><script>${MARK}</script></svg>`],
];

/** Not UTF-8; as the page spells it. */
export const RAW: [name: Buffer, shown: string] = [Buffer.from([0x62, 0xff, 0x3c, 0x69, 0x3e]), '"b\\xff<i>"'];
