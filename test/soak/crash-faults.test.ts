import { faultSuite } from '../crash/fault-suite.ts';

describe('soak: every call that can fail', () => {
  faultSuite(undefined, console.log);
});
