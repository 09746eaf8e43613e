/** Lets go of what a peer told us, so that it is met again as if for the first time. */
import { type InstallId, isInstallId, type VolsetId } from '../../core/ids.ts';
import { malformed } from '../../core/malformed.ts';
import { type Engine, findVolsetNumber } from './engine.ts';

/** Of all its epochs. Our own refs are not a peer's. */
export function forgetPeer(engine: Engine, install: InstallId, volset: VolsetId): void {
  const { db, self } = engine;
  if (!isInstallId(install) || install === self.install) malformed('a peer has no install id, or ours');
  db.write(() => {
    const n = findVolsetNumber(engine, volset);
    if (n === undefined) return;
    db.run('DELETE FROM peers WHERE volset = ? AND install = ?', n, install);
    db.run('DELETE FROM initial WHERE volset = ? AND install = ?', n, install);
    db.run(
      "DELETE FROM refs WHERE volset = ? AND store IN (SELECT n FROM stores WHERE id > ? || '.' AND id < ? || '/')",
      n,
      install,
      install,
    );
  });
}
