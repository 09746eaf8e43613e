/** `plait snapshot`: the working directory becomes a point in time. */
import { randomBranchId } from './ids.ts';
import { commitSnapshot, bodyOf, type Labels } from './commit-snapshot.ts';
import { currentVolset, type Engine, type Outcome, outcome, requireVolume } from './engine.ts';
import { problemRow } from './problems.ts';
import type { SnapshotResult } from './results.ts';
