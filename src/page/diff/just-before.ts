/** A path that pages of a diff can be asked for behind, so that they begin with another one. Pure. */

const SLASH = 0x2f;
const MAX_NAME = 255;
const MAX_PATH = 4096;
/** No name that is text holds this byte, so nothing but oddities lies between. */
const LAST = 0xff;
const ENDING = 8;

/**
 * A sibling's path that comes before `path` in the order of a snapshot, as close as it gets; `path` as raw bytes, `/`
 * separated. undefined: none can be told, so that one begins at the start.
 */
export function justBefore(path: Uint8Array): Uint8Array | undefined {
  const last = path.at(-1);
  if (last === undefined || last === SLASH || last <= 1) return undefined;
  const nameLength = path.length - path.lastIndexOf(SLASH) - 1;
  const room = Math.max(0, Math.min(ENDING, MAX_NAME - nameLength, MAX_PATH - path.length));
  const before = new Uint8Array(path.length + room).fill(LAST);
  before.set(path);
  // No name holds a slash.
  before[path.length - 1] = last - 1 === SLASH ? last - 2 : last - 1;
  return before;
}
