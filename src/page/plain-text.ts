/** Contents of files as text: which are, and how they are shown. */
import { showText } from '../core/paths.ts';

/** The text of `bytes` where they are UTF-8 without NUL, else undefined. `cut`: they may end in the middle of a character. */
export function textOf(bytes: Uint8Array, { cut = false } = {}): string | undefined {
  if (bytes.includes(0)) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes, { stream: cut });
  } catch {
    return undefined;
  }
}

/** Characters that would act on what stands around them are spelled out; tabs stay, and newlines. */
export const shownContent = (text: string): string =>
  text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (c) => (c === '\t' || c === '\n' ? c : unquoted(showText(c))));

const unquoted = (shown: string): string => (shown.startsWith('"') ? shown.slice(1, -1) : shown);
