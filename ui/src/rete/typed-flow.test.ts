import {
  type ConnectResult,
  canConnect,
  connectionRule,
  type Endpoint,
  type WorkflowEdge,
} from '@reelgraph/graph';
import type { SocketData } from 'rete-connection-plugin';
import { beforeEach, describe, expect, it } from 'vitest';
import { chain, smallCatalogue } from '../testing/small-graph.ts';
import { type HeldWire, TypedFlow, type WiringHost } from './typed-flow.ts';

class Recorder implements WiringHost {
  readonly document = chain();
  readonly log: unknown[][] = [];

  edgeInto(input: Endpoint): WorkflowEdge | undefined {
    return this.document.edges.find((edge) => edge.to.join() === input.join());
  }
  rule(held: HeldWire): (other: Endpoint) => ConnectResult {
    return connectionRule(
      this.document,
      smallCatalogue,
      held.side === 'output' ? { output: held.end } : { input: held.end },
    );
  }
  begin(held: HeldWire): void {
    this.log.push(['begin', held.side, held.end.join('.')]);
  }
  end(): void {
    this.log.push(['end']);
  }
  connect(from: Endpoint, to: Endpoint, taken: WorkflowEdge | undefined): void {
    this.log.push(['connect', from.join('.'), to.join('.'), taken?.to.join('.')]);
  }
  refuse(reason: string): void {
    this.log.push(['refuse', reason]);
  }
  dropOnEmpty(held: HeldWire): void {
    this.log.push(['drop', held.end.join('.'), held.taken?.to.join('.')]);
  }
}

let host: Recorder;
let flow: TypedFlow;
beforeEach(() => {
  host = new Recorder();
  flow = new TypedFlow(host);
});

function socket(address: string, side: 'input' | 'output'): SocketData {
  const [nodeId = '', key = ''] = address.split('.');
  // The flow passes the element on and never looks at it, so the test runs without a DOM.
  const element: HTMLElement = Object.create(null);
  return { type: 'socket', element, nodeId, side, key };
}
const press = (address: string, side: 'input' | 'output') =>
  flow.pick({ socket: socket(address, side), event: 'down' });
const release = (address: string, side: 'input' | 'output') =>
  flow.pick({ socket: socket(address, side), event: 'up' });

// noise ─→ denoise ─→ decode ─→ write
describe('wiring', () => {
  it('joins an output with an input of its type, from either end', async () => {
    await press('noise.latent', 'output');
    await release('decode.latent', 'input');
    expect(host.log).toEqual([
      ['begin', 'output', 'noise.latent'],
      ['end'],
      ['connect', 'noise.latent', 'decode.latent', undefined],
    ]);
    expect(flow.getPickedSocket()).toBeUndefined();
  });

  it('refuses another type with the reason, and lets go of the wire', async () => {
    await press('noise.latent', 'output');
    await release('write.frames', 'input');
    expect(host.log.map(([what]) => what)).toEqual(['begin', 'end', 'refuse']);
    expect(String(host.log[2]?.[1])).toContain('latent');
    expect(flow.getPickedSocket()).toBeUndefined();
  });

  it('refuses loops and two ends of one side', async () => {
    host.document.edges = host.document.edges.filter((edge) => edge.to[0] !== 'denoise');
    await press('denoise.latent', 'output');
    await release('noise.latent', 'output');
    expect(host.log.at(-1)?.[0]).toBe('refuse');
    expect(canConnect(chain(), smallCatalogue, ['denoise', 'latent'], ['denoise', 'latent']).ok).toBe(false);
  });

  it('pulls the wire off an input, even when the node it comes from is out of sight', async () => {
    await press('decode.latent', 'input');
    expect(flow.getPickedSocket()).toMatchObject({ side: 'output', nodeId: 'denoise', key: 'latent' });
    flow.drop();
    expect(host.log).toEqual([
      ['begin', 'output', 'denoise.latent'],
      ['end'],
      ['drop', 'denoise.latent', 'decode.latent'],
    ]);
  });

  it('moves a wire from one input to another in one edit', async () => {
    host.document.edges = [{ from: ['noise', 'latent'], to: ['denoise', 'latent'] }];
    await press('denoise.latent', 'input');
    await release('decode.latent', 'input');
    expect(host.log.at(-1)).toEqual(['connect', 'noise.latent', 'decode.latent', 'denoise.latent']);
  });

  it('changes nothing when released where it was pressed, or cancelled', async () => {
    await press('decode.latent', 'input');
    await release('decode.latent', 'input');
    await press('noise.latent', 'output');
    flow.cancel();
    flow.drop();
    expect(host.log.map(([what]) => what)).toEqual(['begin', 'end', 'begin', 'end']);
  });

  it('does nothing for a release without a press', async () => {
    await release('decode.latent', 'input');
    expect(host.log).toEqual([]);
  });
});
