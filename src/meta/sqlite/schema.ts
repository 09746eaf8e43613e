/**
 * Tables of meta.db, format 4. Ids are hex text; volsets and chains are numbered here (`n`) to keep keys short. The
 * number 0 in `refs.store` is this store itself, under whatever epoch.
 *
 * `records` hold the bodies of everything replicated. Records of the generation that is still open have the position
 * `-volset`; closing it gives them the generation's position, so positions are the order in which this store learned
 * things and parents always come first. `heads`, `tombstones`, `dead`, `snapshots` and `vector` are derived and can be
 * recomputed; rows that cannot be carry a checksum in `sum`.
 *
 * `volsets.revision` counts what this store tells of a volset, in the order in which it learned it: each generation and
 * each change of an own ref takes the next one (revisions.ts). Nobody may resume at a revision below `volsets.floor`:
 * the log behind it was thinned out. `pins` say up to where it must not be thinned out any further.
 *
 * `heads` holds every write that no other follows; of each register exactly one is `shown`, the largest by (stamp, id).
 *
 * `blobs` holds what is complete here, also where its snapshot's record has not come yet, in the order in which it
 * became so; `snapshots.blob` says the same again for the index. `numbers` holds the last number of a volset, which no
 * deleted row gives back. `kept` names what may not be dropped yet, `dropped` what is not to come back unasked, `damaged` what cannot be read whole, `stamps` when
 * something last went well (volset 0: of the store), `usage` what each bearer brought,
 * `states` up to where packs tell what no log says (volset 0: of the store). `queue` is read by groups of (remote, volset), each in the order of `queue_order`.
 */
export const APPLICATION_ID = 0x706c6169;
export const META_FORMAT = 4;

/** What format 3 does not have. */
export const SINCE_4 = `CREATE TABLE kept(
  name TEXT NOT NULL, id TEXT NOT NULL, volset INTEGER NOT NULL, until INTEGER NOT NULL, sum TEXT NOT NULL,
  PRIMARY KEY(name, id)) WITHOUT ROWID;
CREATE INDEX kept_blob ON kept(volset, id);
CREATE TABLE dropped(volset INTEGER NOT NULL, id TEXT NOT NULL, sum TEXT NOT NULL, PRIMARY KEY(volset, id)) WITHOUT ROWID;
CREATE TABLE damaged(volset INTEGER NOT NULL, id TEXT NOT NULL, sum TEXT NOT NULL, PRIMARY KEY(volset, id)) WITHOUT ROWID;
CREATE TABLE stamps(
  volset INTEGER NOT NULL, what TEXT NOT NULL, at INTEGER NOT NULL, detail TEXT, sum TEXT NOT NULL,
  PRIMARY KEY(volset, what)) WITHOUT ROWID;
CREATE TABLE usage(owner TEXT PRIMARY KEY, bytes INTEGER NOT NULL, sum TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE states(
  volset INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, sequence INTEGER NOT NULL, told INTEGER NOT NULL,
  digest TEXT NOT NULL, sum TEXT NOT NULL);
`;

export const SCHEMA = `
CREATE TABLE self(key TEXT PRIMARY KEY, value TEXT NOT NULL, sum TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE volsets(
  n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, revision INTEGER NOT NULL DEFAULT 0,
  snapshots INTEGER NOT NULL DEFAULT 0, open_count INTEGER NOT NULL DEFAULT 0, open_bytes INTEGER NOT NULL DEFAULT 0,
  floor INTEGER NOT NULL DEFAULT 0);
CREATE TABLE stores(n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, base TEXT NOT NULL);
CREATE INDEX stores_base ON stores(base);
CREATE TABLE forks(
  volset INTEGER NOT NULL, chain INTEGER NOT NULL, parent INTEGER NOT NULL, generation INTEGER NOT NULL,
  PRIMARY KEY(volset, chain)) WITHOUT ROWID;
CREATE TABLE generations(
  position INTEGER PRIMARY KEY AUTOINCREMENT, volset INTEGER NOT NULL, store INTEGER NOT NULL,
  generation INTEGER NOT NULL, revision INTEGER NOT NULL, count INTEGER NOT NULL, previous TEXT NOT NULL,
  hash TEXT NOT NULL, packed INTEGER NOT NULL DEFAULT 0);
CREATE UNIQUE INDEX generations_chain ON generations(volset, store, generation);
CREATE UNIQUE INDEX generations_revision ON generations(volset, revision);
CREATE INDEX generations_unpacked ON generations(position) WHERE packed = 0;
CREATE TABLE records(
  position INTEGER NOT NULL, idx INTEGER NOT NULL, volset INTEGER NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL,
  PRIMARY KEY(position, idx)) WITHOUT ROWID;
CREATE INDEX records_id ON records(volset, id);
CREATE TABLE vector(
  volset INTEGER NOT NULL, store INTEGER NOT NULL, generation INTEGER NOT NULL, hash TEXT NOT NULL,
  PRIMARY KEY(volset, store)) WITHOUT ROWID;
CREATE TABLE heads(
  volset INTEGER NOT NULL, object TEXT NOT NULL, field TEXT NOT NULL, id TEXT NOT NULL, stamp TEXT NOT NULL, value TEXT,
  resolution INTEGER NOT NULL, shown INTEGER NOT NULL, PRIMARY KEY(volset, object, field, id)) WITHOUT ROWID;
CREATE INDEX heads_name ON heads(volset, value, object) WHERE field = 'name' AND shown = 1 AND value IS NOT NULL;
CREATE TABLE tombstones(
  volset INTEGER NOT NULL, object TEXT NOT NULL, id TEXT NOT NULL, PRIMARY KEY(volset, object, id)) WITHOUT ROWID;
CREATE TABLE dead(volset INTEGER NOT NULL, object TEXT NOT NULL, PRIMARY KEY(volset, object)) WITHOUT ROWID;
CREATE TABLE conflicts(
  volset INTEGER NOT NULL, id TEXT NOT NULL, kind TEXT NOT NULL, object TEXT NOT NULL, field TEXT NOT NULL,
  initial TEXT, current TEXT, target TEXT, resolution TEXT NOT NULL, writes TEXT NOT NULL, path_base64 TEXT,
  seen INTEGER NOT NULL, sum TEXT NOT NULL, PRIMARY KEY(volset, id)) WITHOUT ROWID;
CREATE INDEX conflicts_register ON conflicts(volset, object, field);
CREATE TABLE members(
  volset INTEGER NOT NULL, store TEXT NOT NULL, label TEXT NOT NULL, last_seen INTEGER NOT NULL,
  retired INTEGER NOT NULL, held TEXT NOT NULL, sum TEXT NOT NULL, PRIMARY KEY(volset, store)) WITHOUT ROWID;
CREATE TABLE compacted(
  volset INTEGER NOT NULL, store INTEGER NOT NULL, generation INTEGER NOT NULL, PRIMARY KEY(volset, store)
) WITHOUT ROWID;
CREATE TABLE pins(
  name TEXT PRIMARY KEY, volset INTEGER NOT NULL, revision INTEGER NOT NULL, until INTEGER NOT NULL, sum TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE snapshots(
  volset INTEGER NOT NULL, id TEXT NOT NULL, created INTEGER NOT NULL, depth INTEGER NOT NULL, line INTEGER NOT NULL,
  jump TEXT, parents TEXT NOT NULL, blob INTEGER NOT NULL,
  PRIMARY KEY(volset, id)) WITHOUT ROWID;
CREATE INDEX snapshots_created ON snapshots(volset, created, id);
CREATE INDEX snapshots_missing ON snapshots(volset, created, id) WHERE blob = 0;
CREATE TABLE numbers(volset INTEGER PRIMARY KEY, head INTEGER NOT NULL, sum TEXT NOT NULL);
CREATE TABLE blobs(
  volset INTEGER NOT NULL, id TEXT NOT NULL, number INTEGER NOT NULL, source TEXT, sum TEXT NOT NULL,
  PRIMARY KEY(volset, id)) WITHOUT ROWID;
CREATE UNIQUE INDEX blobs_number ON blobs(volset, number);
CREATE TABLE sealed(
  volset INTEGER NOT NULL, owner TEXT NOT NULL, sender TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
  sum TEXT NOT NULL, PRIMARY KEY(volset, owner, sender, first)) WITHOUT ROWID;
CREATE TABLE queue(
  n INTEGER PRIMARY KEY AUTOINCREMENT, remote TEXT NOT NULL, volset INTEGER NOT NULL, snapshot TEXT NOT NULL,
  priority INTEGER NOT NULL, attempts INTEGER NOT NULL, not_before INTEGER NOT NULL, added INTEGER NOT NULL,
  code TEXT, message TEXT, dead INTEGER NOT NULL, sum TEXT NOT NULL);
CREATE UNIQUE INDEX queue_snapshot ON queue(remote, volset, snapshot);
CREATE INDEX queue_order ON queue(remote, volset, dead, priority DESC, n);
CREATE TABLE refs(
  volset INTEGER NOT NULL, store INTEGER NOT NULL, branch TEXT NOT NULL, snapshot TEXT, revision INTEGER NOT NULL,
  sum TEXT NOT NULL, PRIMARY KEY(volset, store, branch)) WITHOUT ROWID;
CREATE INDEX refs_revision ON refs(volset, store, revision);
CREATE TABLE peers(
  volset INTEGER NOT NULL, install TEXT NOT NULL, epoch INTEGER NOT NULL, revision INTEGER NOT NULL,
  vector TEXT NOT NULL, settled TEXT, last_sync INTEGER, sum TEXT NOT NULL, PRIMARY KEY(volset, install)) WITHOUT ROWID;
CREATE TABLE initial(
  volset INTEGER NOT NULL, install TEXT NOT NULL, branch TEXT NOT NULL, snapshot TEXT NOT NULL, sum TEXT NOT NULL,
  PRIMARY KEY(volset, install, branch)) WITHOUT ROWID;
CREATE TABLE remotes(name TEXT PRIMARY KEY, value TEXT NOT NULL, sum TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE settings(key TEXT PRIMARY KEY, value TEXT NOT NULL, sum TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE tokens(id TEXT PRIMARY KEY, value TEXT NOT NULL, sum TEXT NOT NULL) WITHOUT ROWID;
${SINCE_4}PRAGMA application_id = ${APPLICATION_ID};
PRAGMA user_version = ${META_FORMAT};
`;
