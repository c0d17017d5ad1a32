/**
 * Bytes of the store change, or files of it are cut: every one must be found, and no run may give anything but what
 * it gives on a whole store.
 *
 *   pixels (large, a blob) ──┐
 *   number (slow, a record) ─┼─> seen    what comes out at the end of every run
 *   quick (in the ledger) ───┤
 *   film (writes a file) ────┘
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createEngine, type EngineOptions } from '@reelgraph/engine';
import { emptyWorkflow, type RunEvent, type Workflow } from '@reelgraph/graph';
import { type AnyNodeDefinition, defineNode, type FileRef, type NodeRegistry } from '@reelgraph/node-api';
import { inMemory } from '@reelgraph/node-api/testing';
import { openStore, type Store } from '@reelgraph/store';
import { absentServices } from '../../packages/engine/src/absent-services.ts';
import { createRandom, type Random } from '../support/random.ts';
import type { FaultPiece } from './piece.ts';

/** What was damaged. */
type Part = 'blob' | 'record' | 'ledger';

export interface DamageCount {
  cases: number;
  /** A node said that its result was damaged. */
  found: number;
  /** Runs that gave something else than on a whole store, or failed. */
  wrong: number;
}

/** Damages the store `count` times, each time in one place, and runs the workflow again with a new engine. */
export async function damageStore(options: {
  seed: number;
  count: number;
}): Promise<Readonly<Record<Part, DamageCount>>> {
  const random = createRandom(options.seed);
  const folder = await mkdtemp(join(tmpdir(), 'reelgraph-damage-'));
  const counts: Record<Part, DamageCount> = {
    blob: { cases: 0, found: 0, wrong: 0 },
    record: { cases: 0, found: 0, wrong: 0 },
    ledger: { cases: 0, found: 0, wrong: 0 },
  };
  try {
    const truth = await runOnce(folder);
    for (let round = 0; round < options.count; round += 1) {
      const { part, path } = pickFile(folder, random);
      damage(path, random);
      const seen = await runOnce(folder);
      const count = counts[part];
      count.cases += 1;
      if (seen.reasons.includes('damaged')) count.found += 1;
      if (seen.output !== truth.output || seen.status !== 'succeeded') count.wrong += 1;
    }
    return counts;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function pickFile(folder: string, random: Random): { part: Part; path: string } {
  const filesOf = (part: string): string[] =>
    readdirSync(join(folder, part), { recursive: true, withFileTypes: true })
      .flatMap((entry) => (entry.isFile() ? [join(entry.parentPath, entry.name)] : []))
      // Not in the order of the disk, which no seed repeats; and not the notes, which hold no result.
      .filter((path) => !path.endsWith('.note'))
      .sort();
  const part = random.pick(['blob', 'blob', 'record', 'record', 'ledger'] as const);
  if (part === 'ledger') return { part, path: join(folder, 'ledger.sqlite') };
  return { part, path: random.pick(filesOf(part === 'blob' ? 'blobs' : 'cache')) };
}

/** Changes one byte, or cuts the file somewhere; never to what it was. */
function damage(path: string, random: Random): void {
  const { size } = statSync(path);
  const at = random.below(size);
  if (random.below(4) === 0) {
    truncateSync(path, at);
    return;
  }
  const bytes = readFileSync(path);
  bytes[at] = (bytes[at] ?? 0) ^ (1 + random.below(255));
  writeFileSync(path, bytes);
}

interface Seen {
  readonly status: string;
  /** SHA-256 of all that reached the end, the bytes of the file too. */
  readonly output: string;
  readonly reasons: readonly string[];
}

/** A run by an engine that has nothing in memory. */
async function runOnce(folder: string): Promise<Seen> {
  const store = await openStore(folder);
  let output = 'nothing came out';
  let time = 0;
  const clock: EngineOptions['clock'] = { now: () => time, elapsed: () => time };
  const engine = createEngine({
    ...absentServices,
    store,
    clock,
    registry: nodesOn(
      store,
      (ms) => {
        time += ms;
      },
      (digest) => {
        output = digest;
      },
    ),
  });
  const reasons: string[] = [];
  const onEvent = (event: RunEvent): void => {
    if (event.type === 'node.started' && event.because !== undefined) reasons.push(event.because.code);
  };
  const { status } = await engine.run({ runId: 'r', workflow: watched, targets: ['seen'], onEvent });
  store.close();
  return { status, output, reasons };
}

const about = { version: 1, description: '', category: 'Test', params: {} } as const;
const frames = { type: 'frames', label: 'Frames', description: '' } as const;
const number = { type: 'number', label: 'Number', description: '' } as const;
const video = { type: 'video', label: 'Video', description: '' } as const;

function nodesOn(store: Store, takeTime: (ms: number) => void, tell: (output: string) => void): NodeRegistry {
  const definitions: AnyNodeDefinition[] = [
    defineNode({
      ...about,
      type: 'pixels',
      title: 'Pixels',
      inputs: {},
      outputs: { frames },
      cache: 'disk',
      lane: 'cpu',
      run() {
        const data = new Float32Array(3 * 2 * 32 * 32).map((_, index) => Math.sin(index));
        return { frames: { pixels: { dtype: 'float32', shape: [1, 3, 2, 32, 32], data }, fps: 8 } };
      },
    }),
    ...(['number', 'quick'] as const).map((type) =>
      defineNode({
        ...about,
        type,
        title: type,
        inputs: {},
        outputs: { number },
        cache: 'disk',
        lane: 'cpu',
        run() {
          if (type === 'number') takeTime(5000);
          return { number: type === 'number' ? 42.5 : 7 };
        },
      }),
    ),
    defineNode({
      ...about,
      type: 'film',
      title: 'Film',
      inputs: {},
      outputs: { video },
      cache: 'disk',
      lane: 'cpu',
      async run() {
        const bytes = new Uint8Array(5000).map((_, index) => (index * 7919) % 251);
        const { digest, byteLength } = await store.putBytes(bytes, { durable: false });
        const file: FileRef = { kind: 'file', digest, byteLength, mediaType: 'video/mp4', name: 'a.mp4' };
        return { video: { file, widthPx: 32, heightPx: 32, frameCount: 2, fps: 8 } };
      },
    }),
    defineNode({
      ...about,
      type: 'seen',
      title: 'Seen',
      inputs: { frames, number, quick: number, video },
      outputs: { number },
      cache: 'none',
      lane: 'cpu',
      async run({ inputs }) {
        const { pixels, fps } = inMemory(inputs.frames);
        const { file, ...facts } = inputs.video;
        const hash = createHash('sha256')
          .update(new Uint8Array(pixels.data.buffer, pixels.data.byteOffset, pixels.data.byteLength))
          .update(JSON.stringify([pixels.shape, fps, inputs.number, inputs.quick, facts, file]))
          .update((await store.readBlob(file.digest)) ?? 'the file is gone');
        tell(hash.digest('hex'));
        return { number: 0 };
      },
    }),
  ];
  return new Map(definitions.map((definition) => [definition.type, definition]));
}

const watched: Workflow = {
  ...emptyWorkflow('Watched'),
  nodes: Object.fromEntries(
    ['pixels', 'number', 'quick', 'film', 'seen'].map((type) => [type, { type, version: 1, params: {} }]),
  ),
  edges: [
    { from: ['pixels', 'frames'], to: ['seen', 'frames'] },
    { from: ['number', 'number'], to: ['seen', 'number'] },
    { from: ['quick', 'number'], to: ['seen', 'quick'] },
    { from: ['film', 'video'], to: ['seen', 'video'] },
  ],
};

const storeDamage: FaultPiece = async (report, { seed, count = 1000 }) => {
  const counts = await damageStore({ seed, count });
  for (const part of ['blob', 'record'] as const) {
    const { cases, found, wrong } = counts[part];
    report({
      fault: `store: a ${part} changed in one byte, or cut`,
      cases,
      outcome: `${found} found, ${wrong} wrong outputs`,
      wanted: 'all found, 0 wrong',
      met: found === cases && wrong === 0,
    });
  }
  const { cases, wrong } = counts.ledger;
  report({
    fault: 'store: the ledger changed in one byte, or cut',
    cases,
    // Most of its bytes stand for nothing, or for what is counted anew: there is nothing to find.
    outcome: `${wrong} wrong outputs`,
    wanted: '0 wrong',
    met: wrong === 0,
  });
};
export default storeDamage;
