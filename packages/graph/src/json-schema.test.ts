import { expect, test } from 'vitest';
import { workflowJsonSchema } from './json-schema.ts';

test('W2 the format is published as JSON Schema: what must be there, what may be, and nothing else', () => {
  expect(workflowJsonSchema()).toMatchObject({
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Reelgraph workflow',
    type: 'object',
    required: ['reelgraph', 'name', 'nodes', 'edges'],
    additionalProperties: false,
    properties: {
      reelgraph: { const: 1 },
      nodes: { propertyNames: { pattern: '^[A-Za-z][A-Za-z0-9_-]{0,63}$' } },
    },
  });
});
