/** The parts of a hub over a store on disk, for `plait serve` and for remotes that are paths. */
// Not by the folder's index: that loads the HTTP server.
import type { HubData } from '../hub/contract.ts';
import { type AsyncMeta, openMetaThread } from '../hub/meta-thread.ts';
import { createTransferTokens } from '../hub/transfer-token.ts';
import { keepPacked } from '../sync/settle.ts';
import { openBlobs, openMetaToWrite, type StoreOptions } from '../sync/store.ts';
import { TransferServer } from '../transfer/index.ts';
import type { TransferTokens } from '../wire/transfer-service.ts';
import type { ConfigStore } from './config-store.ts';
import { refuseEphemeral } from './ephemeral.ts';
import { type HubLimits, hubLimits } from './hub-limits.ts';
import { type HubService, hubService } from './hub-service.ts';
import { storeConfig } from './store-config.ts';
import { threadStore } from './thread-store.ts';

const SECRET = 'hub.transfer-secret';

export interface HubPartsOptions {
  settings: StoreOptions;
  /** Reads on a thread of their own: worth its memory where many ask at once. */
  separateReads: boolean;
  /** Something failed that nobody waits for. */
  trouble(event: string, error: unknown): void;
}

/** Close them after the last request, and after `transfer`. */
export interface HubParts extends AsyncDisposable {
  meta: AsyncMeta;
  transfer: TransferServer;
  data: HubData;
  transferTokens: TransferTokens;
  /** Read once: a hub that is to go by other values is started again. */
  config: Pick<ConfigStore, 'read'>;
  service: HubService;
}

/** The store must be there. Throws what is wrong with it: not ours, ephemeral, of another format. */
export async function openHubParts(
  dir: string,
  { settings, separateReads, trouble }: HubPartsOptions,
): Promise<HubParts> {
  const { secret, limits, config, service } = readSettings(dir, settings);
  await using opened = new AsyncDisposableStack();
  const blob = opened.use(await openBlobs(dir, settings));
  // Reads and writes of requests go to threads of their own.
  const { meta } = opened.use(
    await openMetaThread({
      module: new URL(import.meta.url.endsWith('.ts') ? './hub-meta.ts' : './hub-meta.js', import.meta.url).href,
      open: 'openHubMeta',
      separateReads,
      options: { dir, ...threadStore(settings) },
    }),
  );
  const { world } = settings;
  const transferTokens = createTransferTokens(Buffer.from(secret, 'hex'), world.now);
  const { manifest } = await import('../blob/manifest/index.ts');
  const transfer = new TransferServer({
    blob,
    manifest,
    meta,
    tokens: transferTokens,
    now: world.now,
    randomId: () => world.random(16).toString('hex'),
    limits,
    onFailure: (error) => trouble('upload-failed', error),
  });
  // Stops first, and packs what came last.
  opened.defer(keepPacked({ meta, blob }, (error) => trouble('pack-failed', error)));
  const parts = opened.move();
  return {
    meta,
    transfer,
    data: { blob, manifest },
    transferTokens,
    config,
    service,
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

/** On a connection of its own, which is closed again. */
function readSettings(
  dir: string,
  settings: StoreOptions,
): Pick<HubParts, 'config' | 'service'> & { secret: string; limits: HubLimits } {
  using meta = openMetaToWrite(dir, settings);
  refuseEphemeral(dir, meta.self);
  const { origin, read } = storeConfig(meta, dir);
  const values = read();
  const config = { origin, read: () => values };
  const limits = hubLimits(config);
  const service = hubService(config);
  const kept = meta.settings()[SECRET];
  if (kept !== undefined) return { secret: kept, limits, config, service };
  const secret = settings.world.random(32).toString('hex');
  meta.putSetting(SECRET, secret);
  return { secret, limits, config, service };
}
