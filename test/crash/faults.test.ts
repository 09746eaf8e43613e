import { faultSuite } from './fault-suite.ts';

describe('crash: a call that fails', function () {
  this.timeout(240_000);
  faultSuite(1);
});
