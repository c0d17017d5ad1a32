/**
 * What every listener of a run may rely on, wherever the run happens: in this process, as the command line
 * does it, or in a server's runner behind HTTP and a WebSocket.
 */
import { join } from 'node:path';
import { createClient } from '@reelgraph/client';
import { type RunEvent, reduceRunEvents, type Workflow } from '@reelgraph/graph';
import { createRunHost, dataFolderAt, modelRootsOf } from '@reelgraph/host';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { textToVideo } from '../bench/workflow.ts';
import { runToEnd } from '../support/runs.ts';
import { startServer, temporaryFolder } from '../support/server.ts';

interface Place {
  run(workflow: Workflow): Promise<readonly RunEvent[]>;
  close(): Promise<void>;
}

async function inProcess(dataFolder: string): Promise<Place> {
  const host = await createRunHost({
    dataFolder,
    inputRoots: [],
    modelRoots: modelRootsOf(dataFolderAt(dataFolder)),
  });
  return {
    async run(workflow) {
      const events: RunEvent[] = [];
      await host.run({
        workflow,
        signal: new AbortController().signal,
        onEvent: (event) => events.push(event),
      });
      return events;
    },
    close: () => host.close(),
  };
}

async function behindServer(dataFolder: string): Promise<Place> {
  const server = await startServer({ dataFolder });
  const client = createClient({ baseUrl: server.baseUrl });
  return {
    run: async (workflow) => (await runToEnd(client, workflow)).events,
    close: () => server.stop(),
  };
}

let scratch: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => {
  scratch = await temporaryFolder();
});
afterAll(async () => {
  await scratch?.dispose();
});

const cheap = () => textToVideo({ 'scheduler.steps': 3, 'noise.seed': '11' });
const ofNode = (events: readonly RunEvent[], nodeId: string) =>
  events.filter((event) => 'nodeId' in event && event.nodeId === nodeId);

describe.each([
  { place: 'in process', open: inProcess },
  { place: 'behind a server', open: behindServer },
])('events of a run $place', ({ place, open }) => {
  let at: Place;
  let first: readonly RunEvent[];
  let second: readonly RunEvent[];
  beforeAll(async () => {
    at = await open(join(scratch.path, place.replace(/ /g, '-')));
    first = await at.run(cheap());
    second = await at.run(cheap());
  }, 120_000);
  afterAll(async () => {
    await at?.close();
  });

  it('count upwards, and time does not run backwards', () => {
    for (const events of [first, second]) {
      const seqs = events.map((event) => event.seq);
      expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b));
      const times = events.map((event) => event.atMs);
      expect(times).toEqual([...times].sort((a, b) => a - b));
    }
  });

  it('begin with the nodes that take part and end with the status', () => {
    const started = first.find((event) => event.type === 'run.started');
    expect(started?.type === 'run.started' && [...started.nodeIds].sort()).toEqual(
      Object.keys(cheap().nodes).sort(),
    );
    expect(first.at(-1)).toMatchObject({ type: 'run.finished', status: 'succeeded' });
    expect(first.filter((event) => event.type === 'run.finished')).toHaveLength(1);
  });

  it('tell each node once: started, then finished', () => {
    for (const nodeId of Object.keys(cheap().nodes)) {
      const types = ofNode(first, nodeId)
        .map((event) => event.type)
        .filter((type) => type !== 'node.progress');
      expect(types, nodeId).toEqual(['node.started', 'node.finished']);
    }
  });

  it('report every step of the last node that steps, the last one included', () => {
    const steps = ofNode(first, 'denoise').flatMap((event) =>
      event.type === 'node.progress' ? [event.step] : [],
    );
    expect(steps).toEqual([...steps].sort((a, b) => a - b));
    expect(steps.at(-1)).toBe(3);
  });

  it('say of an unchanged rerun that its expensive nodes came from the cache', () => {
    const cached = second.flatMap((event) => (event.type === 'node.cached' ? [event.nodeId] : []));
    expect(cached).toEqual(expect.arrayContaining(['denoise', 'decode', 'mux']));
    expect(second.some((event) => event.type === 'node.progress')).toBe(false);
  });

  it('fold into the same picture whether they come one by one or all at once, some of them twice', () => {
    const whole = reduceRunEvents(undefined, first);
    const stuttering = first.flatMap((event) => [event, event]);
    expect(reduceRunEvents(undefined, stuttering)).toEqual(whole);
    expect(whole?.status).toBe('succeeded');
  });
});
