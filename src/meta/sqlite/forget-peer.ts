/** Lets go of what a peer told us, so that it is met again as if for the first time. */
import { type InstallId, isInstallId, type VolsetId } from '../../core/ids.ts';
import { malformed } from '../../core/malformed.ts';
import { forgetSource } from './blobs.ts';
import { type Engine, findVolsetNumber } from './engine.ts';
import { forgetSeals } from './seals.ts';

/** Of all its epochs; a copy of this store has our install id, too. Our own refs are not a peer's. */
export function forgetPeer(engine: Engine, install: InstallId, volset: VolsetId): void {
  const { db } = engine;
  if (!isInstallId(install)) malformed('a peer has no install id');
  db.write(() => {
    const n = findVolsetNumber(engine, volset);
    if (n === undefined) return;
    db.run('DELETE FROM peers WHERE volset = ? AND install = ?', n, install);
    db.run('DELETE FROM initial WHERE volset = ? AND install = ?', n, install);
    forgetSource(engine, n, install);
    forgetSeals(engine, n, install);
    db.run(
      "DELETE FROM refs WHERE volset = ? AND store IN (SELECT n FROM stores WHERE base > ? || '.' AND base < ? || '/')",
      n,
      install,
      install,
    );
  });
}
