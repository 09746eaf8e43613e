/** Names what a piece of work keeps on the workers; unique in the process, as several may use one pool. */
let last = 0;
export const newSession = (): number => ++last;
