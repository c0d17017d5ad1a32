/** Decodes one latent in a process of its own, whole or by chunk, and prints the most memory it took for it: `whole|chunks T h w`. */
import { readFileSync } from 'node:fs';
import { createModelService } from '@reelgraph/inference';
import { randomNormal } from '@reelgraph/tensor';
import { modelFolder } from '@reelgraph/toybox';

const [how = 'whole', ...sides] = process.argv.slice(2);
const { signal } = new AbortController();
const models = await createModelService({ roots: [modelFolder] });
const model = await models.resolve('toybox', signal);
const latent = randomNormal('1', [1, 24, ...sides.map(Number)]);
// The model itself is there before and after.
await models.decodeLatent(model, randomNormal('1', [1, 24, 1, 8, 8]), signal);
const peakBytes = () => {
  const [, kilobytes = '0'] = /VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  return Number(kilobytes) * 1024;
};
const before = peakBytes();
let sum = 0;
if (how === 'whole') sum += (await models.decodeLatent(model, latent, signal)).data.at(-1) ?? 0;
else for await (const chunk of models.decodeByChunk(model, latent, signal)) sum += chunk.data.at(-1) ?? 0;
await models.dispose();
console.log(JSON.stringify({ bytes: peakBytes() - before, isFinite: Number.isFinite(sum) }));
