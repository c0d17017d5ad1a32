import { statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { tensor } from '@reelgraph/tensor';
import { expect, it } from 'vitest';
import { SessionHandler } from './session-handler.ts';

const pathOf = (component: string) =>
  fileURLToPath(new URL(`./fixtures/tiny-toybox/${component}/model.onnx`, import.meta.url));
const bytesOf = (...components: string[]) =>
  components.reduce((sum, component) => sum + statSync(pathOf(component)).size, 0);

/** Uses graphs one after the other, and answers which of them are open then. */
async function openAfter(openBytes: number | undefined, ...components: string[]): Promise<readonly string[]> {
  const handler = new SessionHandler({ threads: 1, ...(openBytes === undefined ? {} : { openBytes }) });
  // Feeds that do not fit: the graph is opened all the same.
  for (const component of components)
    await handler.handle({
      kind: 'run',
      id: 1,
      session: { path: pathOf(component), version: '1' },
      feeds: {},
    });
  const open = handler.openPaths;
  await handler.handle({ kind: 'release', id: 2 });
  expect(handler.openPaths).toEqual([]);
  return open;
}

const [text, encoder, decoder] = ['text_encoder', 'vae_encoder', 'vae_decoder'] as const;

it('graphs stay open between runs, as long as the budget holds them', async () => {
  expect(await openAfter(undefined, text, encoder, decoder)).toEqual([text, encoder, decoder].map(pathOf));
  expect(await openAfter(bytesOf(text, encoder, decoder), text, encoder, decoder)).toHaveLength(3);
});

it('beyond the budget the ones not used for longest are closed', async () => {
  expect(await openAfter(bytesOf(text, decoder), text, encoder, text, decoder)).toEqual(
    [text, decoder].map(pathOf),
  );
});

it('the one that is needed is open, whatever the budget', async () => {
  expect(await openAfter(0, text, encoder)).toEqual([pathOf(encoder)]);
});

it('a graph that was closed for others gives the same as before', async () => {
  const handler = new SessionHandler({ threads: 1, openBytes: 0 });
  const feeds = {
    input_ids: tensor('int64', [1, 2], BigInt64Array.of(2n, 3n)),
    attention_mask: tensor('int64', [1, 2], BigInt64Array.of(1n, 1n)),
  };
  const run = () =>
    handler.handle({ kind: 'run', id: 1, session: { path: pathOf(text), version: '1' }, feeds });
  const first = await run();
  await handler.handle({ kind: 'run', id: 1, session: { path: pathOf(encoder), version: '1' }, feeds: {} });
  expect(handler.openPaths).toEqual([pathOf(encoder)]);
  const again = await run();
  if (first.kind !== 'done' || again.kind !== 'done') throw new Error('the text was not encoded');
  expect(again.outputs).toEqual(first.outputs);
});
