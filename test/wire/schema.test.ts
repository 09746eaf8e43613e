import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ERRORS, type ErrorCode, PlaitError } from '../../src/core/errors.ts';
import { decodeError, encodeError } from '../../src/wire/error-body.ts';
import { deltasAsk, offers, refMoves, volsetList, wantAnswers } from '../../src/wire/messages.ts';
import { record, vector } from '../../src/wire/record-schemas.ts';
import { count, decode, fault, list, nullable, object, text } from '../../src/wire/schema.ts';
import { rejectsWith } from '../hub/support.ts';

describe('wire: schemas', () => {
  const schema = object({ a: text(3), b: list(count(9), 2), c: nullable(count()) }, ['c']);
  const rows: [unknown, string | undefined][] = [
    [{ a: 'x', b: [] }, undefined],
    [{ a: 'x', b: [1, 9], c: null }, undefined],
    [{ b: [] }, '/a is missing'],
    [{ a: 'long', b: [] }, '/a is too long'],
    [{ a: 1, b: [] }, '/a must be a string'],
    [{ a: '', b: [1, 2, 3] }, '/b has too many items'],
    [{ a: '', b: [10] }, '/b/0 is too large'],
    [{ a: '', b: [-1] }, '/b/0 is too small'],
    [{ a: '', b: [0.5] }, '/b/0 must be a whole number'],
    [{ a: '', b: {} }, '/b must be a list'],
    [{ a: '', b: [], c: 'x' }, '/c fits none of the allowed forms'],
    [{ a: '', b: [], d: 1 }, '/d is not a member of this message'],
    [{ a: '', b: [], 'x\u001b[2J': 1 }, '/? is not a member of this message'],
    [JSON.parse('{"a":"","b":[],"__proto__":1}'), '/__proto__ is not a member of this message'],
    [[], 'the message must be an object'],
    [null, 'the message must be an object'],
  ];
  for (const [value, wrong] of rows) {
    it(`${JSON.stringify(value)}: ${wrong ?? 'fine'}`, () => assert.equal(fault(schema, value), wrong));
  }

  it('inherited members are not there', () => {
    assert.equal(fault(object({ toString: text(9) }), {}), '/toString is missing');
    assert.match(String(fault(vector, JSON.parse('{"__proto__":{"generation":1,"hash":""}}'))), /not a valid key/);
  });

  it('decode throws protocol and names the message', () => {
    assert.throws(() => decode(schema, {}, 'thing'), rejectsWith('protocol', /not a valid thing: \/a is missing/));
  });

  it('any JSON is decided upon without an exception, and what passes has no unknown member', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        for (const known of [deltasAsk, offers, refMoves, volsetList, wantAnswers, record]) {
          const wrong = fault(known, value);
          assert.ok(wrong === undefined || wrong.length < 400);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('wire: error body', () => {
  it('each code comes back with its exit code', () => {
    for (const code of Object.keys(ERRORS) as ErrorCode[]) {
      const error = new PlaitError(code, 'what', { hint: 'way out', data: { n: 1 } });
      const back = decodeError(JSON.stringify(encodeError(error)));
      assert.deepEqual(
        [back?.code, back?.exit, back?.message, back?.hint, back?.data],
        [code, error.exit, 'remote: what', 'remote: way out', { n: 1 }],
      );
    }
  });

  it('what is no error body is none', () => {
    for (const bad of ['', '[]', 'null', '{}', '{"error":1}', '{"error":{"code":"busy"}}', '{"error":{"message":5}}']) {
      assert.equal(decodeError(bad), undefined, bad);
    }
    assert.equal(decodeError('{"error":{"code":"constructor","message":"x"}}')?.code, 'unexpected');
  });
});
