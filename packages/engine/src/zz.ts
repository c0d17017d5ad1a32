import { absentServices } from './absent-services.ts';
import { createEngine } from './engine.ts';
import { document, registryOf, sumNode } from './example-nodes.ts';

const n = 10000;
const engine = createEngine({ registry: registryOf(sumNode('sum', [])), ...absentServices });
const workflow = document(
  Object.fromEntries(Array.from({ length: n }, (_, i) => [`n${i}`, ['sum', i % 7] as const])),
  Array.from({ length: n - 1 }, (_, i) => `n${i}.sum -> n${i + 1}.a`),
);
for (let r = 0; r < 12; r++) {
  console.log('run', r);
  const s = performance.now();
  await engine.run({ runId: 'x', workflow, targets: [`n${n - 1}`], onEvent: () => undefined });
  console.log((performance.now() - s).toFixed(1));
}
