/** Faults that the original had, or that are as near: each takes one defence away. And the invariant that notices first. */
export const VARIANTS = {
  'an offer is taken for an acknowledgement': 'Q3',
  'removed when it is sent': 'Q3',
  'a failure that may pass removes': 'Q3',
  'sealed when it is offered': 'Q2',
  'acknowledged before it is durable': 'Q2',
  "the cursor is the sender's": 'Q5',
  'the queue on the disk is not read': 'Q4',
  'a missing chunk stops everything': 'Q1, Q9',
  'what is queued for one goes to another': 'Q8',
  'numbers are given again after a crash': 'Q10',
  'seals of another epoch count': 'Q2',
  'the highest priority always goes first': 'Q7',
  'the last accepted goes first': 'Q4',
  'everything is sent again': 'Q11',
  'chunks are stored as they come': 'Q13',
} as const;

export type Variant = keyof typeof VARIANTS;
