/** Opens nodes to be played: the node's own way to its pictures, with models that do not wait behind a run. */
import { checkParam, type ParamValue } from '@reelgraph/graph';
import { type LivePlay, type ModelService, NodeError, type NodeRegistry } from '@reelgraph/node-api';

export interface LiveRequest {
  readonly nodeType: string;
  /** Those that are absent have their defaults. */
  readonly params: Readonly<Record<string, ParamValue>>;
  /** Aborted when nobody plays any more. */
  readonly signal: AbortSignal;
}

export interface LiveHost {
  /** @throws NodeError when the node cannot be played, a param does not fit, or the node refuses */
  open(request: LiveRequest): Promise<LivePlay>;
  close(): Promise<void>;
}

type PlayModels = ModelService & { dispose(): Promise<void> };

export interface LiveHostOptions {
  readonly registry: NodeRegistry;
  /** Called once, when something is played for the first time: its worker is another than that of the runs. */
  readonly createModels: () => Promise<PlayModels>;
}

/** Nothing is loaded before the first play. */
export function createLiveHost({ registry, createModels }: LiveHostOptions): LiveHost {
  let models: Promise<PlayModels> | undefined;
  return {
    async open({ nodeType, params, signal }) {
      const definition = registry.get(nodeType);
      if (definition?.live === undefined)
        throw new NodeError('live/not-playable', `A node of the type "${nodeType}" cannot be played.`);
      const values = new Map<string, ParamValue>();
      for (const [name, value] of Object.entries(params)) {
        const info = Object.hasOwn(definition.params, name) ? definition.params[name] : undefined;
        if (info === undefined)
          throw new NodeError('live/bad-param', `A node of the type "${nodeType}" has no param "${name}".`);
        const problem = checkParam(info, value);
        if (problem !== undefined) throw new NodeError('live/bad-param', `Param ${name} ${problem.message}.`);
        values.set(name, value);
      }
      const filled = Object.fromEntries(
        Object.entries(definition.params).map(([name, info]) => [name, values.get(name) ?? info.default]),
      );
      models ??= createModels();
      return definition.live.open({ params: filled, ctx: { models: await models, signal } });
    },
    async close() {
      await (await models)?.dispose();
    },
  };
}
