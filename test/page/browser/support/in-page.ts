/**
 * Functions that run in the page, by their source: nothing of this module but themselves is there. The project's types are
 * those of Node, so what browsers have is named here, as far as it is used.
 */
import type { Page } from 'playwright-core';

// biome-ignore lint/suspicious/noExplicitAny: of a browser
type Foreign = any;
declare const document: Foreign;
declare const getComputedStyle: (element: Foreign) => Foreign;
declare const NodeFilter: Foreign;

/** Texts whose colour stands out from what is behind them less than WCAG asks for: 4.5, large ones 3. */
export const faintTexts = (page: Page): Promise<string[]> =>
  page.evaluate(() => {
    const canvas = document.createElement('canvas');
    canvas.width = canvas.height = 1;
    const pen = canvas.getContext('2d', { willReadFrequently: true });
    type Rgba = [number, number, number, number];
    /** Of any notation that CSS has. */
    const rgba = (color: string): Rgba => {
      pen.clearRect(0, 0, 1, 1);
      pen.fillStyle = color;
      pen.fillRect(0, 0, 1, 1);
      const [r, g, b, a] = pen.getImageData(0, 0, 1, 1).data;
      return [r, g, b, a / 255];
    };
    const over = (top: Rgba, below: Rgba): Rgba => {
      const mix = (i: number): number => top[i] * top[3] + below[i] * (1 - top[3]);
      return [mix(0), mix(1), mix(2), 1];
    };
    const behind = (element: Foreign): Rgba => {
      const root: Rgba = getComputedStyle(document.documentElement).colorScheme.includes('dark')
        ? [0, 0, 0, 1]
        : [255, 255, 255, 1];
      if (element === null) return root;
      const own = rgba(getComputedStyle(element).backgroundColor);
      return own[3] === 1 ? own : over(own, behind(element.parentElement));
    };
    const luminance = (color: Rgba): number => {
      const [r, g, b] = color.slice(0, 3).map((part) => {
        const share = part / 255;
        return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const ratio = (a: Rgba, b: Rgba): number => {
      const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x);
      return (light + 0.05) / (dark + 0.05);
    };
    const faint = new Set<string>();
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const text = node.data.trim();
      const element = node.parentElement;
      if (text === '' || !element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
      if (element.closest('.sr-only, .skip, :disabled, noscript, script')) continue;
      const style = getComputedStyle(element);
      const size = Number.parseFloat(style.fontSize);
      const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
      const back = behind(element);
      const color = rgba(element.namespaceURI.endsWith('svg') ? style.fill : style.color);
      // Heads of columns that only those hear who cannot see what stands below.
      if (color[3] === 0) continue;
      const found = ratio(over(color, back), back);
      if (found < (large ? 3 : 4.5)) faint.add(`${found.toFixed(2)} ${element.tagName}.${element.className}: ${text}`);
    }
    return [...faint];
  });

/** How many pixels the document is wider than the window, and what sticks out. */
export const sideways = (page: Page): Promise<string[]> =>
  page.evaluate(() => {
    const root = document.documentElement;
    if (root.scrollWidth <= root.clientWidth) return [];
    const wide = [...document.body.querySelectorAll('*')].filter(
      (element: Foreign) => element.getBoundingClientRect().right > root.clientWidth + 1,
    );
    return [
      `${root.scrollWidth} px in ${root.clientWidth}`,
      ...wide.slice(0, 8).map((element: Foreign) => `${element.tagName}.${element.className}`),
    ];
  });

/** What is missing for who goes by landmarks, headings and names. */
export const unnamed = (page: Page): Promise<string[]> =>
  page.evaluate(() => {
    const missing: string[] = [];
    const one = (selector: string): void => {
      const { length } = document.querySelectorAll(selector);
      if (length !== 1) missing.push(`${length} ${selector}`);
    };
    for (const selector of ['main', 'h1', 'body > header', 'html[lang]']) one(selector);
    const label = (element: Foreign): string =>
      element.getAttribute('aria-label') ??
      document.getElementById(element.getAttribute('aria-labelledby') ?? '')?.textContent ??
      '';
    const all = (selector: string): Foreign[] => [...document.querySelectorAll(selector)];
    for (const nav of all('nav')) if (label(nav) === '') missing.push(`nav without a label: ${nav.className}`);
    for (const table of all('table, [role=table], [role=grid], [role=treegrid]'))
      if (label(table) === '' && !table.querySelector('caption'))
        missing.push(`table without a name: ${table.className}`);
    for (const field of all('input, select, textarea'))
      if (label(field) === '' && field.labels.length === 0) missing.push(`field without a label: ${field.name}`);
    for (const link of all('a[href], button, summary, [role=button]'))
      if (label(link) === '' && link.textContent.trim() === '') missing.push(`nameless ${link.outerHTML.slice(0, 80)}`);
    for (const image of all('svg, img'))
      if (
        label(image) === '' &&
        !image.closest('[aria-hidden=true], [role=img][aria-label]') &&
        !image.querySelector('title')
      )
        missing.push(`picture without a name: ${image.outerHTML.slice(0, 80)}`);
    for (const id of all('[id]').map((element) => element.id))
      if (all(`[id="${id.replaceAll('"', '\\"')}"]`).length > 1) missing.push(`id twice: ${id}`);
    const levels = all('h1, h2, h3, h4').map((element) => Number(element.tagName[1]));
    levels.forEach((level, i) => {
      if (i > 0 && level > levels[i - 1] + 1) missing.push(`h${level} below h${levels[i - 1]}`);
    });
    return missing;
  });
