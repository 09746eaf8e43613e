/** The OpenAPI document, made from the same route table and schemas that the server checks requests with. */
import { errorBody } from '../wire/error-body.ts';
import { PROTOCOL_HEADER, STORE_HEADER, TRANSFER_HEADER } from '../wire/headers.ts';
import { PROTOCOL } from '../wire/limits.ts';
import { hashId, randomId, storeId } from '../wire/record-schemas.ts';
import type { Schema } from '../wire/schema.ts';
import type { Medium, Route } from './routes/route.ts';

type Json = Record<string, unknown>;

export function openApi(routes: Route[]): Json {
  const paths: Record<string, Json> = {};
  for (const route of routes) {
    const path = route.path.replace(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(route) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'plait hub',
      version: String(PROTOCOL),
      description: 'Replication of versioned data directories. docs/protocol.md tells the order of messages.',
    },
    paths,
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'plait_<id>_<secret>' } },
      headers: {
        [STORE_HEADER]: { required: true, schema: storeId, description: 'who answers' },
        [PROTOCOL_HEADER]: { required: true, schema: { type: 'integer' } },
      },
      schemas: { error: errorBody },
    },
  };
}

function operation(route: Route): Json {
  const parameters = [
    ...[...route.path.matchAll(/:(\w+)/g)].map(([, name]) => ({
      name,
      in: 'path',
      required: true,
      schema: idOf(name),
    })),
    ...Object.entries(route.query ?? {}).map(([name, schema]) => ({ name, in: 'query', required: true, schema })),
    ...Object.entries(route.optionalQuery ?? {}).map(([name, schema]) => ({ name, in: 'query', schema })),
    ...(route.transfer ? [{ name: TRANSFER_HEADER, in: 'header', required: true, schema: { type: 'string' } }] : []),
  ];
  return {
    summary: route.summary,
    ...(route.right !== null && { description: `Right: ${rightText(route)}`, security: [{ bearer: [] }, {}] }),
    ...(parameters.length > 0 && { parameters }),
    ...(route.body && {
      requestBody: {
        required: true,
        ...(route.body.description && { description: route.body.description }),
        content: content(route.body),
      },
    }),
    responses: {
      200: { description: route.answer.description ?? 'done', headers: headers(), content: content(route.answer) },
      default: {
        description: 'an error; its code decides the status',
        headers: headers(),
        content: { 'application/json': { schema: { $ref: '#/components/schemas/error' } } },
      },
    },
  };
}

const idOf = (parameter: string): Schema => (parameter === 'snapshot' ? hashId : randomId);

const headers = (): Json => ({
  [STORE_HEADER]: { $ref: `#/components/headers/${STORE_HEADER}` },
  [PROTOCOL_HEADER]: { $ref: `#/components/headers/${PROTOCOL_HEADER}` },
});

/** OpenAPI 3.1 has no word for streams of values: `x-lines` names what a line may be. */
const content = ({ type, schema, lines }: Medium): Json => ({
  [type]: { ...(schema && { schema }), ...(lines && { 'x-lines': lines }) },
});

const rightText = ({ right, also }: Route): string =>
  also === undefined ? `${right}` : `${right}, or ${also} in part`;
