/** Names in commands that people copy into a shell: somebody else wrote them. */

const PLAIN = /^[A-Za-z0-9_][A-Za-z0-9_./@%+=:,-]*$/;
/** A terminal that takes them from the clipboard acts on them, whatever quotes are around. */
const ACTS = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;

/** One word of a POSIX shell, or undefined for what no quotes make safe to paste. */
export function shellWord(text: string): string | undefined {
  if (PLAIN.test(text)) return text;
  // An option, whatever quotes are around it.
  if (text === '' || text.startsWith('-') || ACTS.test(text)) return undefined;
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
