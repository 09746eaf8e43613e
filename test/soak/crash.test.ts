import { crashSuite } from '../crash/suite.ts';

describe('soak: every state that a crash may leave', () => {
  crashSuite({ cuts: 6 }, console.log);
});
