/** When packs were written, as their files say. A pack never changes, so each file is asked once. */
import { statSync } from 'node:fs';
import type { VolsetId } from '../core/ids.ts';
import type { PackInfo } from './contract.ts';
import { packPath } from './pack-scan.ts';

export type IndexedPack = Omit<PackInfo, 'written'>;

export class PackTimes {
  readonly #packsDir: string;
  readonly #known = new Map<VolsetId, Map<string, number>>();

  constructor(packsDir: string) {
    this.#packsDir = packsDir;
  }

  /** `packs`: all of each volset that is among them. */
  withTimes(packs: IndexedPack[]): PackInfo[] {
    const before = new Map<VolsetId, Map<string, number> | undefined>();
    const timed = packs.map((info) => {
      const { volset, pack } = info;
      // Begun anew: what is not among them is there no more.
      if (!before.has(volset)) {
        before.set(volset, this.#known.get(volset));
        this.#known.set(volset, new Map());
      }
      const written = before.get(volset)?.get(pack) ?? this.#ask(info);
      if (written > 0) this.#known.get(volset)?.set(pack, written);
      return { ...info, written };
    });
    return timed;
  }

  /** 0: the file is missing, which others complain about. */
  #ask({ volset, pack }: IndexedPack): number {
    return Math.floor(statSync(packPath(this.#packsDir, volset, pack), { throwIfNoEntry: false })?.mtimeMs ?? 0);
  }
}
