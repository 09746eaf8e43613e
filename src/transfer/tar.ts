/**
 * Tar streams of small regular files; read with tar-stream. Every entry is held in memory once, so both sides bound its
 * size; reading refuses whatever a blob diff never contains (links, folders, extended headers).
 */
import { type ExtractEvents, extract } from 'tar-stream';
import { PlaitError } from '../core/errors.ts';

export interface TarEntry {
  name: string;
  bytes: Uint8Array;
}

/** Octal with a space behind it; the field's last byte stays zero where it is one longer. */
const octal = (value: number, digits: number): string => `${value.toString(8).padStart(digits, '0')} `;

/** Header of a plain file in the ustar format. Time and owner are always 0, so that the same data gives the same stream. */
function tarHeader(name: string, size: number): Uint8Array {
  const header = Buffer.alloc(512);
  header.write(name, 0, 100, 'latin1');
  for (const [at, value] of [
    [100, 0o644],
    [108, 0],
    [116, 0],
    [329, 0],
    [337, 0],
  ]) {
    header.write(octal(value, 6), at);
  }
  header.write(octal(size, 11), 124);
  header.write(octal(0, 11), 136);
  // The sum is taken with spaces in its own place.
  header.write(' '.repeat(8), 148);
  header.write('0', 156);
  header.write('ustar\x0000', 257, 'latin1');
  header.write(
    `${octal(
      header.reduce((sum, byte) => sum + byte, 0),
      6,
    )}\0`,
    148,
  );
  return header;
}

const ZEROS = new Uint8Array(1024);

/** An entry's bytes in a tar stream; the content itself is not copied. */
export function* tarPieces({ name, bytes }: TarEntry): Generator<Uint8Array> {
  yield tarHeader(name, bytes.byteLength);
  if (bytes.byteLength === 0) return;
  yield bytes;
  const over = bytes.byteLength % 512;
  if (over > 0) yield ZEROS.subarray(0, 512 - over);
}

/** What follows the last entry. */
export const TAR_END: Uint8Array = ZEROS;

/** Takes an entry only once the one before it has been read. */
export async function* writeTar(entries: AsyncIterable<TarEntry>): AsyncGenerator<Uint8Array> {
  for await (const entry of entries) yield* tarPieces(entry);
  yield TAR_END;
}

/**
 * @param maxBytes Largest size allowed for an entry of that name; throws for a name that may not occur. Asked before
 *   a byte of the entry is kept.
 * @throws `protocol` for anything that is not such a stream, or ends inside an entry; errors of `body` as they are.
 */
export async function* readTar(
  body: AsyncIterable<Uint8Array>,
  maxBytes: (name: string) => number,
): AsyncGenerator<TarEntry> {
  const ready: TarEntry[] = [];
  let failure: Error | undefined;
  let wake: () => void = () => {};
  // So low that each write waits until the parser has taken the piece.
  const tar = extract({ highWaterMark: 1 });
  tar.on('error', (error) => {
    failure ??= error;
    wake();
  });
  for (const event of ['drain', 'finish', 'close'] as const) tar.on(event, () => wake());
  tar.on('entry', (header, stream, next) => collect(header, stream, maxBytes, (entry) => ready.push(entry), next));
  const step = async (act: () => boolean): Promise<void> => {
    const done = new Promise<void>((resolve) => {
      wake = () => resolve();
    });
    if (!failure && !act()) await done;
    if (failure) throw tarFailure(failure);
  };
  try {
    for await (const piece of body) {
      if (piece.byteLength > 0) await step(() => tar.write(piece));
      while (ready.length > 0) yield ready.shift() as TarEntry;
    }
    await step(() => {
      tar.end(undefined);
      return false;
    });
    yield* ready;
  } finally {
    tar.destroy();
  }
}

function collect(
  header: ExtractEvents['entry'][0],
  stream: ExtractEvents['entry'][1],
  maxBytes: (name: string) => number,
  done: (entry: TarEntry) => void,
  next: ExtractEvents['entry'][2],
): void {
  const { name, size, type, pax } = header;
  // Whatever ends an entry early ends the parser, which reports it.
  stream.on('error', () => undefined);
  try {
    if (type !== 'file' || pax) throw new PlaitError('protocol', 'blob diff: not a plain file entry');
    if (size < 0 || size > maxBytes(name)) throw new PlaitError('protocol', 'blob diff: an entry is too large');
  } catch (error) {
    next(error as PlaitError);
    return;
  }
  const pieces: Uint8Array[] = [];
  stream.on('data', (piece) => pieces.push(piece as Uint8Array));
  stream.on('end', () => {
    done({ name, bytes: pieces.length === 1 ? pieces[0] : Buffer.concat(pieces, size) });
    next();
  });
}

const tarFailure = (error: Error): PlaitError =>
  error instanceof PlaitError ? error : new PlaitError('protocol', `blob diff: ${error.message}`, { cause: error });
