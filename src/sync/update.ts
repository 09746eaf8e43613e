/** `plait update`: names, descriptions and attributes of a volset, a branch or a snapshot. Moves no data. */
import { PlaitError } from '../core/errors.ts';
import { objectNameFault } from '../core/names.ts';
import { showText } from '../core/paths.ts';
import { type ObjectKey, valueFault } from '../core/records.ts';
import { type ParsedObject, parseObject, resolveRef } from '../core/references.ts';
import { attrField, attrKeyOf, branchKey, isField, registerKey, snapshotKey } from '../core/register.ts';
import type { Edit, Fields, VolsetView } from '../meta/contract.ts';
import { branchByName, checkNewName } from './branches.ts';
import { currentVolset, type Engine, type Outcome, outcome, readSnapshot, volsetByName } from './engine.ts';
import { refLookup } from './references.ts';
import { settle } from './settle.ts';
import { checkNewVolsetName } from './volset-edit.ts';

export interface UpdateInput {
  /** `volset` (also when absent), `volset:X`, `branch:X`, `snapshot:REF`. */
  object?: string;
  /** Empty: the name of a snapshot is taken away. */
  name?: string;
  /** Empty: taken away. */
  description?: string;
  attrs?: Record<string, string>;
  unsetAttrs?: string[];
}

export interface UpdateResult extends Fields {
  object: ObjectKey;
  /** Fields whose value is another now: name, description, attr:KEY. */
  changed: string[];
}

/** What an OBJECT is and shows. */
interface Subject {
  object: ObjectKey;
  kind: ParsedObject['object'];
  volset: VolsetView;
  fields: Fields;
}

export async function update(engine: Engine, input: UpdateInput): Promise<Outcome<UpdateResult>> {
  const wanted = wantedValues(input);
  const subject = findSubject(engine, parseObject(input.object));
  const changes = [...wanted].filter(([field, value]) => fieldOf(subject.fields, field) !== value);
  for (const [field, value] of changes) checkValue(engine, subject, field, value);
  if (changes.length > 0) {
    engine.meta.commit(
      subject.volset.id,
      changes.map(([field, value]) => setEdit(subject.object, field, value)),
    );
    await settle(engine, subject.volset.id);
  }
  const fields = changes.reduce(withField, subject.fields);
  return outcome({ object: subject.object, ...fields, changed: changes.map(([field]) => field) });
}

/** Field -> value; null takes it away. Throws `usage` where nothing is asked for, or one thing twice. */
function wantedValues({ name, description, attrs = {}, unsetAttrs = [] }: UpdateInput): Map<string, string | null> {
  const wanted = new Map<string, string | null>();
  if (name !== undefined) wanted.set('name', name === '' ? null : name);
  if (description !== undefined) wanted.set('description', description === '' ? null : description);
  for (const [key, value] of Object.entries(attrs)) wanted.set(attrField(key), value);
  for (const key of unsetAttrs) {
    if (Object.hasOwn(attrs, key)) {
      throw new PlaitError('usage', `the attribute ${showText(key)} is to be set and taken away`, {
        hint: 'leave --attr or --unset-attr out',
      });
    }
    wanted.set(attrField(key), null);
  }
  const bad = [...wanted.keys()].find((field) => !isField(field));
  if (bad !== undefined) {
    throw new PlaitError('usage', `${showText(attrKeyOf(bad) ?? bad)} is no key of an attribute`, {
      hint: 'a key is 1 to 255 bytes of text without control characters',
    });
  }
  if (wanted.size > 0) return wanted;
  throw new PlaitError('usage', 'nothing to update', {
    hint: 'give --name, --description, --attr KEY=VALUE or --unset-attr KEY',
  });
}

function findSubject(engine: Engine, parsed: ParsedObject): Subject {
  const volset =
    parsed.object === 'volset' && parsed.name !== undefined
      ? volsetByName(engine.meta.listVolsets(), parsed.name)
      : currentVolset(engine);
  if (parsed.object === 'volset') return { object: 'volset', kind: 'volset', volset, fields: fieldsOf(volset) };
  if (parsed.object === 'branch') {
    const { id, name } = branchByName(engine, volset.id, parsed.name);
    const fields = { name, description: null, owner: null, creator: null, attrs: {} };
    return { object: branchKey(id), kind: 'branch', volset, fields };
  }
  const { snapshot } = resolveRef(parsed.ref, refLookup(engine, volset.id));
  const fields = fieldsOf(readSnapshot(engine, volset.id, snapshot));
  return { object: snapshotKey(snapshot), kind: 'snapshot', volset, fields };
}

function checkValue(engine: Engine, { kind, object, volset }: Subject, field: string, value: string | null): void {
  if (kind === 'branch' && field !== 'name') {
    throw new PlaitError('usage', 'a branch has a name and nothing else', {
      hint: 'describe a snapshot of it: `plait update snapshot:REF --description TEXT`',
    });
  }
  if (field === 'name') checkName(engine, kind, volset, value);
  const fault = valueFault(registerKey(object, field), value);
  if (fault !== undefined) throw new PlaitError('usage', fault, { hint: 'see `plait update --help`' });
}

function checkName(engine: Engine, kind: Subject['kind'], volset: VolsetView, name: string | null): void {
  if (kind === 'branch') checkNewName(engine, volset.id, name ?? '');
  else if (kind === 'volset') checkNewVolsetName(engine, name ?? '');
  else if (name !== null) checkSnapshotName(name);
}

function checkSnapshotName(name: string): void {
  const fault = objectNameFault('snapshot', name);
  if (fault === undefined) return;
  throw new PlaitError('usage', `${showText(name)} is no name for a snapshot: ${fault}`, {
    hint: 'choose another with --name',
  });
}

const setEdit = (object: ObjectKey, field: string, value: string | null): Edit => ({
  edit: 'set',
  register: registerKey(object, field),
  value,
});

const fieldsOf = ({ name, description, owner, creator, attrs }: Fields): Fields => ({
  name,
  description,
  owner,
  creator,
  attrs,
});

function fieldOf(fields: Fields, field: string): string | null {
  const key = attrKeyOf(field);
  if (key !== undefined) return Object.hasOwn(fields.attrs, key) ? fields.attrs[key] : null;
  return field === 'name' ? fields.name : fields.description;
}

function withField(fields: Fields, [field, value]: [string, string | null]): Fields {
  const key = attrKeyOf(field);
  if (key === undefined) return { ...fields, [field]: value };
  const attrs = Object.entries(fields.attrs).filter(([other]) => other !== key);
  if (value !== null) attrs.push([key, value]);
  return { ...fields, attrs: Object.fromEntries(attrs) };
}
