/** Figures as people read them; pure. */

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** `1.5 MiB`: three digits at most. */
export function bytes(count: number): string {
  let value = count;
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${value.toFixed(digits)} ${UNITS[unit]}`;
}

export const count = (value: number): string => value.toLocaleString('en-US');

export const plural = (value: number, one: string, many = `${one}s`): string =>
  `${count(value)} ${value === 1 ? one : many}`;

/** Share that was saved, `98.5 %`; undefined where nothing was. */
export function saved(logical: number, stored: number): string | undefined {
  if (logical <= 0 || stored >= logical) return undefined;
  const share = 100 * (1 - stored / logical);
  return `${share >= 99.95 ? '> 99.9' : share.toFixed(1)} %`;
}

const STEPS: [ms: number, one: string][] = [
  [365 * 86_400_000, 'year'],
  [30 * 86_400_000, 'month'],
  [86_400_000, 'day'],
  [3_600_000, 'hour'],
  [60_000, 'minute'],
];

/** `3 hours ago`, in whole units of the largest that fits. */
export function ago(at: number, now: number): string {
  const ms = now - at;
  if (ms < -60_000) return 'in the future';
  const step = STEPS.find(([length]) => ms >= length);
  return step ? `${plural(Math.floor(ms / step[0]), step[1])} ago` : 'just now';
}

export const iso = (at: number): string => new Date(at).toISOString();

/** `2026-11-22 16:04`, of this place. */
export function dateTime(at: number): string {
  const date = new Date(at);
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}`;
}

export const shortId = (id: string): string => id.slice(0, 12);
