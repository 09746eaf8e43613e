/**
 * The public interface, verb by verb and flag by flag, against the contract. A flag with a letter only (`-m`) may have
 * any long name that says what it is.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CatalogCommand, loadCatalog } from '../../src/cli/catalog.ts';

const CURRENT_ISSUE = 7;

interface Contract {
  global: Record<string, number>;
  commands: Record<string, { issue: number; args?: string[]; flags?: Record<string, number> }>;
}

const contract: Contract = JSON.parse(readFileSync(join(import.meta.dirname, '../fixtures/cli-contract.json'), 'utf8'));
const due = (issues: Record<string, number>): string[] => Object.keys(issues).filter((n) => issues[n] <= CURRENT_ISSUE);

describe('cli: the contract', () => {
  let commands: CatalogCommand[];
  before(async () => {
    commands = await loadCatalog();
  });

  it('has the commands of the contract and no others', () => {
    const expected = Object.keys(contract.commands).filter((name) => contract.commands[name].issue <= CURRENT_ISSUE);
    assert.deepEqual(commands.map((command) => command.name).sort(), expected.sort());
  });

  for (const [name, { issue, args = [], flags = {} }] of Object.entries(contract.commands)) {
    if (issue > CURRENT_ISSUE) continue;
    it(`plait ${name}: flags, arguments and a summary`, () => {
      const command = commands.find((candidate) => candidate.name === name);
      assert.ok(command, `no command ${name}`);
      const expected = due(flags);
      const own = command.flags.filter((flag) => !flag.global);
      const named = own.map((flag) => (flag.char && expected.includes(flag.char) ? flag.char : flag.name));
      assert.deepEqual(named.sort(), expected.sort());
      assert.equal(command.args.length, args.length, `arguments: ${command.args.map((arg) => arg.name)}`);
      assert.deepEqual(
        command.flags
          .filter((flag) => flag.global)
          .map((flag) => flag.name)
          .sort(),
        due(contract.global).sort(),
      );
      assert.match(command.summary, /^[A-Z].*\.$/, 'a summary is a sentence');
      for (const { name: flag, summary } of command.flags) assert.ok(summary, `--${flag} has no summary`);
    });
  }

  it('gives a flag a value everywhere or nowhere', () => {
    const sorts = new Map<string, boolean>();
    for (const { name, flags } of commands) {
      for (const flag of flags) {
        assert.equal(sorts.get(flag.name) ?? flag.takesValue, flag.takesValue, `--${flag.name} of ${name}`);
        sorts.set(flag.name, flag.takesValue);
      }
    }
  });
});
