import { crashSuite } from './suite.ts';

describe('crash: a share of all states of the disk', function () {
  this.timeout(240_000);
  crashSuite({ states: 2, cuts: 4 });
});
