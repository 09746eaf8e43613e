/** The metadata store of a hub, as its routes use it: whatever they write is noticed. */
import type { HubMeta } from '../contract.ts';

/** `setBlobs` is not among them: transfers call it, and the route that runs one says so. */
const WRITES = ['apply', 'handOver', 'moveRefs', 'commit', 'cut'] as const satisfies (keyof HubMeta)[];

type Write = (...args: unknown[]) => Promise<unknown>;

/** `written` is called after each write that succeeded, before its caller goes on. */
export function noticing(meta: HubMeta, written: () => void): HubMeta {
  const watched = new Map<string | symbol, Write>();
  for (const method of WRITES) {
    const write = (meta[method] as Write).bind(meta);
    watched.set(method, async (...args) => {
      const answer = await write(...args);
      written();
      return answer;
    });
  }
  return new Proxy(meta, { get: (target, member) => watched.get(member) ?? Reflect.get(target, member, target) });
}
