/** Addresses of this page, all behind `#`: nothing of them is sent anywhere. */

/** Segments, decoded. */
export type Place = readonly string[];

export const href = (...place: (string | undefined)[]): string =>
  `#/${place
    .filter((part) => part !== undefined && part !== '')
    .map((part) => encodeURIComponent(part as string))
    .join('/')}`;

export function placeOf(hash: string): Place {
  const parts = hash
    .replace(/^#\/?/, '')
    .split('/')
    .filter((part) => part !== '');
  try {
    return parts.map(decodeURIComponent);
  } catch {
    return ['?'];
  }
}
