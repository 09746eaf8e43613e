/** Bundles: writing one, taking one in. */
export { type BundleStores, type ExportOptions, exportBundle } from './export-bundle.ts';
export { type Imported, importBundle } from './import-bundle.ts';
