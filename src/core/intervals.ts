/**
 * Sets of whole numbers from 1 as ascending intervals that neither touch nor overlap. Pure; what a receiver has sealed of
 * a sender's blob numbers is such a set.
 */

/** Both ends included; 1 <= first <= last. */
export type Interval = [first: number, last: number];
