/**
 * Headers of a tar stream that takes any entry of a snapshot as it is. Names are raw bytes: long ones go into GNU's
 * `L` and `K` entries, which no reader converts, as it may do with those of pax. Numbers that do not fit go into pax.
 */

export type TarType = '0' | '1' | '2' | '5';

export interface TarItem {
  /** Raw bytes. */
  name: Buffer;
  type: TarType;
  mode: number;
  /** Nanoseconds since the epoch. */
  mtime: bigint;
  size: number;
  uid?: number;
  gid?: number;
  /** Raw bytes: what a link names. */
  target?: Buffer;
}

const BLOCK = 512;
const NAME = 100;
const MAX_ID = 0o7777777;
const MAX_NUMBER = 0o77777777777;
const LONG_NAME = Buffer.from('././@LongLink');
const PAX_NAME = Buffer.from('././@PaxHeader');
const ZEROS = new Uint8Array(1024);

/** What follows the last entry. */
export const TAR_END: Uint8Array = ZEROS;

export const padding = (size: number): Uint8Array => ZEROS.subarray(0, (BLOCK - (size % BLOCK)) % BLOCK);

/** All that stands before the bytes of an entry. */
export function* tarHeader(item: TarItem): Generator<Uint8Array> {
  const { name, target = Buffer.alloc(0), mtime } = item;
  const uid = item.uid ?? 0;
  const gid = item.gid ?? 0;
  if (name.length > NAME) yield* longText('L', name);
  if (target.length > NAME) yield* longText('K', target);
  const { seconds, fits } = timeOf(mtime);
  const records = [
    ...(fits ? [] : [paxRecord('mtime', decimal(mtime))]),
    ...(item.size > MAX_NUMBER ? [paxRecord('size', String(item.size))] : []),
    ...(uid > MAX_ID ? [paxRecord('uid', String(uid))] : []),
    ...(gid > MAX_ID ? [paxRecord('gid', String(gid))] : []),
  ];
  if (records.length > 0) yield* extra('x', PAX_NAME, Buffer.concat(records));
  yield block({ ...item, uid, gid, target }, item.type, seconds);
}

const longText = (type: 'L' | 'K', bytes: Buffer): Generator<Uint8Array> =>
  extra(type, LONG_NAME, Buffer.concat([bytes, ZEROS.subarray(0, 1)]));

function* extra(type: 'L' | 'K' | 'x', name: Buffer, bytes: Buffer): Generator<Uint8Array> {
  const plain = { mode: 0o644, uid: 0, gid: 0, target: Buffer.alloc(0) };
  yield block({ ...plain, name, size: bytes.length }, type, 0);
  yield bytes;
  yield padding(bytes.length);
}

type Fields = Required<Omit<TarItem, 'type' | 'mtime'>>;

function block({ name, mode, uid, gid, size, target }: Fields, type: string, seconds: number): Buffer {
  const header = Buffer.alloc(BLOCK);
  name.copy(header, 0, 0, NAME);
  const numbers: [number, number, number][] = [
    [100, mode, 7],
    [108, uid > MAX_ID ? 0 : uid, 7],
    [116, gid > MAX_ID ? 0 : gid, 7],
    [124, size > MAX_NUMBER ? 0 : size, 11],
    [136, seconds, 11],
  ];
  for (const [at, value, digits] of numbers) header.write(value.toString(8).padStart(digits, '0'), at, 'latin1');
  header.write(type, 156, 'latin1');
  target.copy(header, 157, 0, NAME);
  header.write('ustar\x0000', 257, 'latin1');
  // The sum is taken with spaces in its own place.
  header.fill(' ', 148, 156);
  let sum = 0;
  for (const byte of header) sum += byte;
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return header;
}

const SECOND = 1_000_000_000n;

/** Whole seconds that the header has room for, and whether they are all there is to tell. */
function timeOf(ns: bigint): { seconds: number; fits: boolean } {
  const whole = ns / SECOND;
  const room = whole >= 0n && whole <= BigInt(MAX_NUMBER);
  return { seconds: room ? Number(whole) : 0, fits: room && whole * SECOND === ns };
}

/** Seconds, with as many of nine digits behind the point as are needed. */
function decimal(ns: bigint): string {
  const size = ns < 0n ? -ns : ns;
  const rest = (size % SECOND).toString().padStart(9, '0').replace(/0+$/, '');
  return `${ns < 0n ? '-' : ''}${size / SECOND}${rest && `.${rest}`}`;
}

/** `length key=value\n`, where the length counts itself. */
function paxRecord(key: string, value: string): Buffer {
  const rest = ` ${key}=${value}\n`;
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return Buffer.from(length + rest, 'latin1');
}
