#!/usr/bin/env node
// The installed program: runs the compiled code in dist.
import { fileURLToPath } from 'node:url';
import { launch } from './launch.js';

launch(fileURLToPath(import.meta.url), () =>
  import('../dist/cli/main.js').then((program) => program.main(process.argv.slice(2))),
);
