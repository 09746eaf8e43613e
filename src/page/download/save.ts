/**
 * One download: the hub's answer with the token in its header, counted, into a file. Small ones are gathered first; large
 * ones go straight to the disk where the browser lets pages write. What was cut never becomes a file.
 */
import type { Api, Query } from '../api.ts';
import { h } from '../dom.ts';
import { counted } from './counted.ts';

export interface Wanted {
  path: string;
  query: Query;
  /** As which it is saved. */
  name: string;
  /** Bytes, where they are known. */
  size?: number;
  /** At most so many, where `size` is not known: decides where it goes. */
  about?: number;
}

/** Larger ones are not gathered in memory if there is another way. */
const LARGE = 64 * 1024 * 1024;

type Picker = (options: {
  suggestedName: string;
}) => Promise<{ createWritable(): Promise<WritableStream<Uint8Array>> }>;

/** Resolves when it is saved. To be called by a click, which browsers ask for before they show where to save. */
export async function save(
  api: Api,
  wanted: Wanted,
  passed: (bytes: number, of: number | undefined) => void,
  signal: AbortSignal,
): Promise<void> {
  const file = await pickedFile(wanted);
  const response = await api.open(wanted.path, { query: wanted.query, signal });
  const size = lengthOf(response) ?? wanted.size;
  const body = (response.body ?? new Blob([]).stream()).pipeThrough(counted(size, (bytes) => passed(bytes, size)));
  if (file) await body.pipeTo(await file.createWritable(), { signal });
  else give(await new Response(body, { headers: { 'content-type': 'application/octet-stream' } }).blob(), wanted.name);
}

async function pickedFile({ name, size, about }: Wanted) {
  const { showSaveFilePicker } = window as { showSaveFilePicker?: Picker };
  return showSaveFilePicker && (size ?? about ?? 0) > LARGE ? showSaveFilePicker({ suggestedName: name }) : undefined;
}

/** Of what the body will be here, decoded: a length of something else says nothing. */
function lengthOf({ headers }: Response): number | undefined {
  const length = headers.get('content-length');
  return length === null || headers.has('content-encoding') ? undefined : Number(length);
}

function give(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  h('a', { href: url, download: name }).click();
  // The browser has taken it over by then.
  window.setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
