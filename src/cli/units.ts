/** Durations, sizes and percentages as people type them. Each parser throws `usage` with the forms that it takes. */
import { PlaitError } from '../core/errors.ts';

const DURATION: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
/** Exponents of 1024: sizes are binary, as in all of plait. */
const SIZE: Record<string, number> = { '': 0, K: 1, M: 2, G: 3, T: 4 };

function refuse(text: string, what: string, forms: string): never {
  throw new PlaitError('usage', `not a ${what}: ${JSON.stringify(text)}`, { hint: `write it like ${forms}` });
}

/** `30s 5m 24h 90d` -> milliseconds. */
export function parseDuration(text: string): number {
  const match = /^(\d{1,9}(?:\.\d{1,3})?)([smhd])$/.exec(text);
  const value = match ? Math.round(Number(match[1]) * DURATION[match[2]]) : Number.NaN;
  if (!Number.isSafeInteger(value)) refuse(text, 'duration', '30s, 5m, 24h or 90d');
  return value;
}

/** `512 64K 20G` -> bytes, powers of 1024. */
export function parseSize(text: string): number {
  const match = /^(\d{1,16}(?:\.\d{1,3})?)([KMGT]?)$/i.exec(text);
  const value = match ? Math.round(Number(match[1]) * 1024 ** SIZE[match[2].toUpperCase()]) : Number.NaN;
  if (!Number.isSafeInteger(value)) refuse(text, 'size', '4096, 64K, 10M or 20G');
  return value;
}

/** `5%` -> 0.05; 0 % to 100 %. */
export function parsePercent(text: string): number {
  const match = /^(\d{1,3}(?:\.\d{1,3})?)%$/.exec(text);
  const value = match ? Number(match[1]) / 100 : Number.NaN;
  if (!(value >= 0 && value <= 1)) refuse(text, 'percentage', '5%, from 0% to 100%');
  return value;
}

export type Sample = { fraction: number } | { bytes: number };

/** A share or an amount: `5%` or `20G`. */
export function parseSample(text: string): Sample {
  return text.endsWith('%') ? { fraction: parsePercent(text) } : { bytes: parseSize(text) };
}

/** As in the environment and in config. */
export function parseBoolean(text: string): boolean {
  if (/^(1|true|yes|on)$/i.test(text)) return true;
  if (/^(0|false|no|off)$/i.test(text)) return false;
  return refuse(text, 'truth value', 'true or false');
}
