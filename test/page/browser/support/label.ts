/** The label that a store tells its peers is that of the machine where it was made: these are to come from several. */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { rowSum } from '../../../../src/meta/sqlite/checksum.ts';

/** @param dir of a working directory with its store inside */
export function relabel(dir: string, label: string): void {
  const db = new DatabaseSync(join(dir, '.plait', 'meta.db'));
  try {
    const sum = rowSum('self', 'label', label);
    db.prepare("UPDATE self SET value = ?, sum = ? WHERE key = 'label'").run(label, sum);
  } finally {
    db.close();
  }
}
