/** Each breaks one rule of the follower; test/properties/follow.test.ts expects the schedules to notice. */
import type { FollowInput, FollowState } from '../../src/core/follow.ts';
import { RULES, type Rules } from './follow-plan.ts';

export interface Mutant {
  name: string;
  /** What notices: the beginnings of the invariants. */
  noticed: string[];
  rules: Rules;
}

type Took = (after: FollowState, input: FollowInput, before: FollowState) => FollowState;

/** The state afterwards is another. */
const took = (change: Took): Rules => ({
  ...RULES,
  take: (state, input, now, random) => change(RULES.take(state, input, now, random), input, state),
});
/** The follower sees another input, or what it knows is different when it sees it. */
const saw = (change: (state: FollowState, input: FollowInput) => [FollowState, FollowInput]): Rules => ({
  ...RULES,
  take: (state, input, now, random) => {
    const [otherState, otherInput] = change(state, input);
    return RULES.take(otherState, otherInput, now, random);
  },
});
const decided = (change: (state: FollowState) => Partial<FollowState>): Rules => ({
  ...RULES,
  decide: (state, now) => RULES.decide({ ...state, ...change(state) }, now),
});

const mutant = (name: string, rules: Rules, ...noticed: string[]): Mutant => ({ name, rules, noticed });
const LONG_AGO = Number.NEGATIVE_INFINITY;

export const MUTANTS: Mutant[] = [
  mutant(
    'a gap needs no state',
    took((after, { input }) => (input === 'opened' ? { ...after, needsState: false } : after)),
    'F1',
    'F3',
    'F12',
    'F5',
  ),
  mutant(
    'a state may be older than the feed',
    saw((state, input) => [input.input === 'applied' ? { ...state, goal: 0 } : state, input]),
    'F1',
    'F12',
    'F3',
  ),
  mutant(
    'the marker goes ahead of what is here',
    took((after, { input }) =>
      input === 'batch' && after.marker ? { ...after, marker: { ...after.marker, revision: after.heard } } : after,
    ),
    'F1',
    'F3',
    'F12',
  ),
  mutant(
    'the marker is never resumed',
    decided(() => ({ resumable: false })),
    'F8',
  ),
  mutant(
    'a resumed feed takes a state',
    took((after, { input }) => (input === 'opened' ? { ...after, needsState: true } : after)),
    'F8',
  ),
  mutant(
    'attempts follow at once',
    decided(() => ({ notBefore: LONG_AGO, triedAt: LONG_AGO })),
    'F14',
  ),
  mutant(
    'failures at one point are not counted',
    took((after) => ({ ...after, strikes: 0 })),
    'F3',
    'F6',
  ),
  mutant(
    'a round under way brings a marker back that was given up',
    took((after, { input }) => (input === 'applied' ? { ...after, resumable: true } : after)),
    'F3',
    'F6',
    'F8',
  ),
  mutant(
    'another store is a failure like any other',
    saw((state, input) =>
      input.input === 'failed' && input.error.code === 'identity'
        ? [state, { ...input, error: { ...input.error, code: 'network' } }]
        : [state, input],
    ),
    'F3',
    'F5',
  ),
  mutant(
    'a run that is to end goes on',
    decided(() => ({ once: false })),
    'F3',
  ),
  mutant(
    'a run that is to go on ends',
    decided(() => ({ once: true })),
    'F3',
  ),
  mutant(
    'data that did not come is forgotten',
    saw((state, input) =>
      input.input === 'applied' ? [state, { ...input, left: { ...input.left, lacking: false } }] : [state, input],
    ),
    'F13',
  ),
  mutant(
    'what is owed is forgotten',
    saw((state, input) => [state, input.input === 'local' ? { ...input, owes: false } : input]),
    'F1',
    'F3',
  ),
];

/** Of the times between attempts. */
export const BACK_OFF_MUTANTS: Mutant[] = [
  mutant(
    'a connection that held long counts for nothing',
    took((after, { input }) => (input === 'opened' ? { ...after, openedAt: Number.POSITIVE_INFINITY } : after)),
    'F14',
  ),
  mutant(
    'any connection resets the back-off',
    took((after, { input }) => (input === 'opened' ? { ...after, openedAt: LONG_AGO } : after)),
    'F14',
  ),
  mutant(
    'each failure is the first',
    saw((state, input) => [{ ...state, failures: 0 }, input]),
    'F14',
  ),
];
