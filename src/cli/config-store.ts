/** Settings of a store, as text by key. Which keys there are and what they may hold is for config-keys.ts. */
export interface ConfigStore {
  /** Where the values are kept, for messages. */
  readonly origin: string;
  read(): Record<string, string>;
  /** null removes the key. */
  write(key: string, value: string | null): void;
}
