/** Keeps the start, which holds the figures, and the end, which holds the name of the path at hand. */
export function shorten(text: string, columns: number): string {
  if (text.length <= columns || columns < 20) return text;
  const head = Math.ceil(columns * 0.6);
  return `${text.slice(0, head)}…${text.slice(text.length - (columns - head - 1))}`;
}
