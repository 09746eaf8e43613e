/** The contract's methods, each bound to the part that does it. */
import type { MetaStore } from '../contract.ts';
import { apply } from './apply.ts';
import { blobSizes } from './blob-sizes.ts';
import * as blobs from './blobs.ts';
import { chainPoints } from './chains.ts';
import { changesAfter, heads } from './changes.ts';
import { compact } from './compact.ts';
import * as config from './config.ts';
import { conflictPage } from './conflict-page.ts';
import { listConflicts, recordConflicts } from './conflicts.ts';
import { planDeltas, readDeltas } from './deltas.ts';
import { dropBlobs, goneBlobs } from './drop.ts';
import { commit } from './edits.ts';
import type { Engine } from './engine.ts';
import { forgetPeer } from './forget-peer.ts';
import { handOver, openRecords } from './hand-over.ts';
import { historyPage, snapshotFacts } from './history.ts';
import { inspect, knowsVolset } from './inspect.ts';
import * as keeping from './keeping.ts';
import { cut, generationPage, markPacked, unknownGenerations, unpackedGenerations, vector } from './log.ts';
import { listMembers, retireMember } from './members.ts';
import { agreedTips, peer, updatePeer } from './peers.ts';
import { pin, unpin } from './pins.ts';
import * as queue from './queue.ts';
import { moveRefs, refs } from './refs.ts';
import { currentRevision } from './revisions.ts';
import { seal, sealed } from './seals.ts';
import * as snapshots from './snapshots.ts';
import { repackStates, tellsStates, unpackedStates, waitsForCut } from './states.ts';
import { volsetState, volsetSummary } from './summary.ts';
import { verify } from './verify.ts';
import * as views from './views.ts';

type Bound<F> = F extends (engine: Engine, ...args: infer A) => infer R ? (...args: A) => R : never;

export function sqliteMetaStore(engine: Engine): MetaStore {
  const bind = <F extends (engine: Engine, ...args: never[]) => unknown>(method: F): Bound<F> =>
    ((...args: never[]) => method(engine, ...args)) as Bound<F>;
  return {
    get self() {
      return engine.self;
    },
    listVolsets: bind(views.listVolsets),
    findVolset: bind(views.findVolset),
    listBranches: bind(views.listBranches),
    findBranch: bind(views.findBranch),
    branchNames: bind(views.branchNames),
    findSnapshot: bind(views.findSnapshot),
    snapshotsByPrefix: bind(snapshots.snapshotsByPrefix),
    snapshotsByName: bind(views.snapshotsByName),
    parentsOf: bind(snapshots.parentsOf),
    lineage: bind(snapshots.lineage),
    missingBlobs: bind(snapshots.missingBlobs),
    forgotten: bind(snapshots.forgotten),
    lackedBlobs: bind(snapshots.lackedBlobs),
    snapshotPage: bind(snapshots.snapshotPage),
    historyPage: bind(historyPage),
    snapshotFacts: bind(snapshotFacts),
    volsetSummary: bind(volsetSummary),
    volsetState: bind(volsetState),
    blobSizes: bind(blobSizes),
    conflictPage: bind(conflictPage),
    commit: bind(commit),
    setBlobs: bind(blobs.setBlobs),
    cut: bind(cut),
    vector: bind(vector),
    revision: bind(currentRevision),
    planDeltas: bind(planDeltas),
    readDeltas: bind(readDeltas),
    changesAfter: bind(changesAfter),
    viewOf: bind(views.viewOf),
    heads: bind(heads),
    pin: bind(pin),
    unpin: bind(unpin),
    apply: bind(apply),
    listConflicts: bind(listConflicts),
    recordConflicts: bind(recordConflicts),
    inspect: bind(inspect),
    chainPoints: bind(chainPoints),
    knowsVolset: bind(knowsVolset),
    openRecords: bind(openRecords),
    handOver: bind(handOver),
    listMembers: bind(listMembers),
    retireMember: bind(retireMember),
    compact: bind(compact),
    keepBlobs: bind(keeping.keepBlobs),
    unkeepBlobs: bind(keeping.unkeepBlobs),
    dropBlobs: bind(dropBlobs),
    goneBlobs: bind(goneBlobs),
    setDamaged: bind(keeping.setDamaged),
    damagedBlobs: bind(keeping.damagedBlobs),
    putStamp: bind(keeping.putStamp),
    stamps: bind(keeping.stamps),
    addUsage: bind(keeping.addUsage),
    usage: bind(keeping.usage),
    refs: bind(refs),
    moveRefs: bind(moveRefs),
    unpackedGenerations: bind(unpackedGenerations),
    generationPage: bind(generationPage),
    unknownGenerations: bind(unknownGenerations),
    markPacked: bind(markPacked),
    tellsStates: bind(tellsStates),
    unpackedStates: bind(unpackedStates),
    repackStates: bind(repackStates),
    waitsForCut: bind(waitsForCut),
    blobHead: bind(blobs.blobHead),
    numberedBlobs: bind(blobs.numberedBlobs),
    blobNumbers: bind(blobs.blobNumbers),
    renumber: bind(blobs.renumber),
    sealed: bind(sealed),
    seal: bind(seal),
    enqueue: bind(queue.enqueue),
    queue: bind(queue.queue),
    queueCounts: bind(queue.queueCounts),
    settle: bind(queue.settle),
    requeue: bind(queue.requeue),
    unqueue: bind(queue.unqueue),
    peer: bind(peer),
    agreedTips: bind(agreedTips),
    updatePeer: bind(updatePeer),
    forgetPeer: bind(forgetPeer),
    listRemotes: bind(config.listRemotes),
    putRemote: bind(config.putRemote),
    removeRemote: bind(config.removeRemote),
    renameRemote: bind(config.renameRemote),
    settings: bind(config.settings),
    putSetting: bind(config.putSetting),
    listTokens: bind(config.listTokens),
    putToken: bind(config.putToken),
    revokeToken: bind(config.revokeToken),
    verify: bind(verify),
    [Symbol.dispose]: () => engine.db.close(),
  };
}
