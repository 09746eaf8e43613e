/** Key of a setting that is there while a clone is not finished: the only directory that a clone may continue in. */
export const UNFINISHED = 'clone.unfinished';
