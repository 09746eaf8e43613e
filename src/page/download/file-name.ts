/** Names under which downloads are saved: what stands in a snapshot must not choose a folder, or look like another name. */

const LONGEST = 200;
// Separators of any system, control and direction characters, and what Windows takes for a stream or a pattern.
const UNSAFE = /[/\\:*?"<>|\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\ufffd]/gu;

/** @param path as shown, `/` separated; its last component counts */
export function saveName(path: string, { tar = false, whole = 'snapshot' } = {}): string {
  const last = path.slice(path.lastIndexOf('/') + 1) || whole;
  const safe = shorten(last.replace(UNSAFE, '_')).replace(/^[.\s]+|[.\s]+$/g, (ends) => '_'.repeat(ends.length));
  return tar ? `${safe}.tar` : safe;
}

/** What follows the last dot stays: systems go by it. */
function shorten(name: string): string {
  const letters = [...name];
  if (letters.length <= LONGEST) return name;
  const dot = letters.lastIndexOf('.');
  const ending = dot > 0 && letters.length - dot <= 16 ? letters.slice(dot) : [];
  return [...letters.slice(0, LONGEST - ending.length), ...ending].join('');
}
