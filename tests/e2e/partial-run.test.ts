/**
 * A run of which a part fails, as a script meets it: what could be made is delivered, what could not is listed
 * with its reason, and the exit code tells the one from the other. Real nodes, no model.
 *
 *   scene ──> clip ──> save-clip
 *     ├─────────┬────────┐
 *   photo ──> mask ──> blend ──> film ──> save-film
 */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Workflow } from '@reelgraph/graph';
import { decodeVideoFile } from '@reelgraph/media';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runCli } from '../support/cli.ts';
import { projectRoot, temporaryFolder } from '../support/server.ts';

let scratch: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => {
  scratch = await temporaryFolder();
  // Its header is whole, so the check knows its size and lets it pass; only decoding finds that the rest is gone.
  const photo = await readFile(join(projectRoot, 'workflows/inputs', 'blue-square-later.png'));
  await writeFile(join(scratch.path, 'cut.png'), photo.subarray(0, photo.byteLength / 2));
});
afterAll(() => scratch?.dispose());

const node = (type: string, params: Workflow['nodes'][string]['params'] = {}) => ({
  type,
  version: 1,
  params,
});
const edge = (from: string, to: string) => ({ from: from.split('.'), to: to.split('.') });

const failing = {
  nodes: {
    scene: node('ground-truth-scene', { frames: 9, width: 64, height: 64 }),
    photo: node('load-image', { file: 'cut.png' }),
    mask: node('image-mask'),
    blend: node('composite-frames'),
    film: node('video-mux'),
    'save-film': node('save-video', { name: 'film' }),
  },
  edges: [
    edge('scene.frames', 'mask.frames'),
    edge('photo.image', 'mask.image'),
    edge('scene.frames', 'blend.original'),
    edge('scene.frames', 'blend.frames'),
    edge('mask.mask', 'blend.mask'),
    edge('blend.frames', 'film.frames'),
    edge('film.video', 'save-film.video'),
  ],
};
const partly = {
  nodes: { ...failing.nodes, clip: node('video-mux'), 'save-clip': node('save-video', { name: 'clip' }) },
  edges: [...failing.edges, edge('scene.frames', 'clip.frames'), edge('clip.video', 'save-clip.video')],
};

async function run(name: string, document: object, ...args: string[]) {
  await writeFile(
    join(scratch.path, `${name}.json`),
    JSON.stringify({ reelgraph: 1, name, inputs: {}, outputs: {}, subgraphs: {}, ...document }),
  );
  const data = join(scratch.path, 'data');
  return runCli(['run', `${name}.json`, '--data', data, '--out', `${name}/`, ...args], { cwd: scratch.path });
}

it('5 when some results are delivered and some fail: the files are there, the failures are listed', async () => {
  const { code, stdout, stderr } = await run('partly', partly);
  expect(code, stdout + stderr).toBe(5);
  expect(await readdir(join(scratch.path, 'partly'))).toEqual(['clip.mp4']);
  const file = join(scratch.path, 'partly/clip.mp4');
  const clip = await decodeVideoFile(file, { widthPx: 64, heightPx: 64 });
  expect(clip.shape).toEqual([1, 3, 9, 64, 64]);
  expect(stdout).toContain(`Saved ${file}\n`);
  expect(stdout).toContain('save-film: skipped (it needs "photo", which failed)\n');
  expect(stdout).toMatch(
    /^1 node failed:\n {2}photo: failed: The picture is damaged: .*\[media\/not-an-image\]\n {4}.*\n/m,
  );
  expect(stdout).toMatch(/^Done in part in .+\.\n$/m);

  // For a program the same, and what was delivered comes from the cache.
  const told = await run('partly', partly, '--json');
  expect(told.code).toBe(5);
  const lines = told.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(lines.find(({ type }) => type === 'run.finished')).toMatchObject({
    status: 'partial',
    failures: [{ nodeId: 'photo', code: 'media/not-an-image' }],
  });
  expect(lines.at(-1)).toMatchObject({ type: 'result', status: 'partial' });
});

it('1 when nothing is delivered', async () => {
  const { code, stdout } = await run('failing', failing);
  expect(code, stdout).toBe(1);
  expect(stdout).toContain('[media/not-an-image]');
  expect(await readdir(join(scratch.path, 'failing'))).toEqual([]);
});
