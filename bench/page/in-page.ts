/** What is run in the page, as text: nothing of it is compiled for browsers. */

/** Looks before each frame until `expression` is true-ish; answers with that. */
export const when = (expression: string): string => `new Promise((resolve, reject) => {
  const end = performance.now() + 30_000;
  const look = () => {
    const found = ${expression};
    if (found) resolve(found);
    else if (performance.now() > end) reject(new Error('not seen within 30 s at ' + location.hash));
    else requestAnimationFrame(look);
  };
  look();
})`;

/** True-ish once that many elements are shown; the time then, by the page's clock. */
export const shows = (selector: string, least: number): string => `(() => {
  const shown = [...document.querySelectorAll(${JSON.stringify(selector)})].filter((found) => found.checkVisibility());
  return shown.length >= ${least} && performance.now();
})()`;

/** The same, and the feed is live. */
export const isUsable = (selector: string, least: number): string =>
  `document.querySelector('.pill[data-status="in-sync"]') && ${shows(selector, least)}`;

/** Goes there; answers when it began. */
export const goTo = (hash: string): string =>
  `(() => { const now = performance.now(); location.hash = ${JSON.stringify(hash)}; return now; })()`;

export const NOW = 'performance.now()';
export const ELEMENTS = "document.querySelectorAll('*').length";
export const HEAP = 'performance.memory.usedJSHeapSize';

/** A list of results is shown and offers no more. */
export const SEARCHED = `(() => {
  const foots = [...document.querySelectorAll('.found .list-foot')].filter((foot) => foot.checkVisibility());
  return foots.length > 0 && foots.every((foot) => !foot.querySelector('button')) && performance.now();
})()`;

/** Window by window to the row of that number; how long each took until rows stood there. */
export const scrollTo = (rows: number): string => `(async () => {
  const list = document.querySelector('.windowed');
  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
  const last = () => Math.max(-1, ...[...list.children].map((row) => Number(row.dataset.index)));
  const middle = () => document.elementFromPoint(400, innerHeight / 2);
  const filled = () => middle()?.closest('.history-row, .history-foot') != null;
  const times = [];
  let nodes = 0;
  for (let idle = 0; last() + 1 < ${rows} && idle < 200; ) {
    const [before, from] = [scrollY, performance.now()];
    scrollBy({ top: innerHeight, behavior: 'instant' });
    do await frame(); while (!filled());
    idle = scrollY === before ? idle + 1 : 0;
    times.push(performance.now() - from);
    nodes = Math.max(nodes, document.querySelectorAll('*').length);
  }
  return { times, nodes, shown: last() + 1 };
})()`;
