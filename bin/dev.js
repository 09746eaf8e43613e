#!/usr/bin/env node
// The same program from the sources in src, without a build and without the manifest.
import { launch } from './launch.js';

launch(import.meta.url, () => import('../src/cli/main.ts').then((program) => program.main(process.argv.slice(2))));
