/** Preloaded with --import: writes the URLs of the modules that a run loads, and the built-in ones, to $LOADED_MODULES. */
import { writeFileSync } from 'node:fs';
import { registerHooks } from 'node:module';

const urls = new Set<string>();
registerHooks({
  load(url, context, next) {
    if (!url.startsWith('node:')) urls.add(url);
    return next(url, context);
  },
});

process.on('exit', () => {
  const { moduleLoadList } = process as unknown as { moduleLoadList: string[] };
  const builtins = moduleLoadList.filter((entry) => entry.startsWith('NativeModule ')).map((entry) => entry.slice(13));
  const { LOADED_MODULES: file } = process.env;
  if (file) writeFileSync(file, JSON.stringify({ urls: [...urls], builtins }));
});
