#!/usr/bin/env node
// The installed program: runs the compiled code in dist.
import { launch } from './launch.js';

launch(import.meta.url, () => import('../dist/cli/main.js').then((program) => program.main(process.argv.slice(2))));
