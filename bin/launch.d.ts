export declare const MINIMUM: [number, number];
export declare function isRecentEnough(version: string): boolean;
export declare function planLaunch(
  version: string,
  execPath: string,
  ownNode: string,
  ownNodeExists: boolean,
): 'run' | 'relaunch' | 'refuse';
export declare function refusal(version: string): string;
export declare function cacheFolder(env: Record<string, string | undefined>): string | undefined;
export declare function launch(scriptUrl: string, load: () => unknown): unknown;
