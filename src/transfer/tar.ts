/**
 * Tar streams of small regular files, written and read with tar-stream. Every entry is held in memory once, so both
 * sides bound its size; reading refuses whatever a blob diff never contains (links, folders, extended headers).
 */
import { type ExtractEvents, extract, pack } from 'tar-stream';
import { PlaitError } from '../core/errors.ts';

export interface TarEntry {
  name: string;
  bytes: Uint8Array;
}

// One fixed time, so that the same data gives the same stream.
const MTIME = new Date(0);

/** Pulls `entries` only as fast as the result is read: at most one entry waits. */
export async function* writeTar(entries: AsyncIterable<TarEntry>): AsyncGenerator<Uint8Array> {
  const tar = pack();
  const add = (entry: TarEntry): Promise<void> =>
    new Promise((resolve, reject) => {
      const header = { name: entry.name, size: entry.bytes.byteLength, mode: 0o644, mtime: MTIME };
      tar.entry(header, entry.bytes, (error) => (error ? reject(error) : resolve()));
    });
  const produced = (async () => {
    for await (const entry of entries) await add(entry);
    tar.finalize();
  })();
  // A failure reaches the reader through the stream.
  produced.catch((error) => tar.destroy(error));
  try {
    yield* tar as AsyncIterable<Uint8Array>;
  } finally {
    tar.destroy();
    await produced.catch(() => undefined);
  }
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
