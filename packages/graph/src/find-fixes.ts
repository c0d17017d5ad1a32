/**
 * What could mend an issue: changes of the document, the most fitting first. They are proposals; whether one helps
 * is found by applying and checking it.
 */
import type { Endpoint, ParamValue, Workflow, WorkflowEdge } from './document.ts';
import type { GraphFix, GraphIssue } from './issues.ts';
import { nearestName } from './names.ts';
import type { Converter, NodeFix } from './node-fix.ts';
import type { NodeCatalogue, NodeTypeInfo } from './node-type.ts';
import type { PortFacts, PortType } from './port-types.ts';
import { own, withSubgraphs } from './subgraph-types.ts';
import { adjacency, findCycles } from './topology.ts';

/** Facts of outputs: node id -> port -> facts. */
export type FactsByOutput = Readonly<Record<string, Readonly<Record<string, PortFacts>>>>;

export interface FixFinder {
  /** Proposals for an issue, each looked for when it is asked for; `offered` are those of the node type, which come first. */
  find(issue: GraphIssue, offered?: readonly NodeFix[]): Iterable<GraphFix>;
  /** Only those that are plain without a look at the graph: values of the node's own params. */
  findPlain(issue: GraphIssue, offered?: readonly NodeFix[]): readonly GraphFix[];
}

type InsertedNode = Extract<GraphFix, { kind: 'insert-nodes' }>['nodes'][number];

/** Wires of a loop that are looked at. */
const mostWiresTried = 12;
/** Outputs tried for one input. */
const mostSources = 6;
/** Larger loops are not taken apart wire by wire. */
const mostWiresOfLoop = 200;
/** Nodes looked at on the way up from a value to what made it. */
const mostMakers = 16;

/** A finder for one document; what it knows of the graph is gathered with the first question. */
export function createFixFinder(
  workflow: Workflow,
  catalogue: NodeCatalogue,
  facts: FactsByOutput = {},
): FixFinder {
  const types = withSubgraphs(workflow, catalogue);
  const infoOf = (id: string): NodeTypeInfo | undefined => types.get(own(workflow.nodes, id)?.type ?? '');
  const nameOf = (id: string): string => own(workflow.nodes, id)?.title ?? infoOf(id)?.title ?? id;

  let fed: Map<string, Endpoint> | undefined;
  const sourceOf = (id: string, port: string): Endpoint | undefined => {
    fed ??= new Map(workflow.edges.map((edge) => [edge.to.join(' '), edge.from]));
    return fed.get(`${id} ${port}`);
  };
  let feeds: Map<string, Endpoint[]> | undefined;
  const consumersOf = (from: Endpoint): readonly Endpoint[] => {
    if (feeds === undefined) {
      feeds = new Map();
      for (const edge of workflow.edges) {
        const list = feeds.get(edge.from.join(' ')) ?? [];
        list.push(edge.to);
        feeds.set(edge.from.join(' '), list);
      }
    }
    return feeds.get(from.join(' ')) ?? [];
  };
  let next: ReadonlyMap<string, readonly string[]> | undefined;
  const reached = new Map<string, ReadonlySet<string>>();
  const isBehind = (id: string, of: string): boolean => {
    let set = reached.get(of);
    if (set === undefined) {
      next ??= adjacency(workflow.edges, 'downstream');
      const found = new Set([of]);
      for (const at of found) for (const other of next.get(at) ?? []) found.add(other);
      set = found;
      reached.set(of, set);
    }
    return set.has(id);
  };
  let depths: ReadonlyMap<string, number> | undefined;
  const depthOf = (id: string): number => {
    depths ??= depthsOf(Object.keys(workflow.nodes), workflow.edges);
    return depths.get(id) ?? 0;
  };

  let byType: Map<PortType, Endpoint[]> | undefined;
  /** All outputs of a type: those that feed nothing yet first, then the deepest. */
  const outputsOf = (type: PortType): readonly Endpoint[] => {
    if (byType === undefined) {
      byType = new Map();
      for (const [id, node] of Object.entries(workflow.nodes)) {
        if (node.mode === 'muted') continue;
        for (const [port, output] of Object.entries(infoOf(id)?.outputs ?? {})) {
          const list = byType.get(output.type);
          if (list === undefined) byType.set(output.type, [[id, port]]);
          else list.push([id, port]);
        }
      }
      const used = (end: Endpoint) => (consumersOf(end).length > 0 ? 1 : 0);
      for (const list of byType.values())
        list.sort((a, b) => used(a) - used(b) || depthOf(b[0]) - depthOf(a[0]));
    }
    return byType.get(type) ?? [];
  };
  const cached = new Map<string, readonly Endpoint[]>();
  /** Outputs of a type that may feed the node, those of the same name first among the used and the unused. */
  const outputsFor = (type: PortType, id: string, port: string): readonly Endpoint[] => {
    const key = `${type} ${id}`;
    let all = cached.get(key);
    if (all === undefined) {
      all = outputsOf(type).filter(([other]) => !isBehind(other, id));
      cached.set(key, all);
    }
    const rank = (end: Endpoint) => (consumersOf(end).length > 0 ? 2 : 0) + (end[1] === port ? 0 : 1);
    return [0, 1, 2, 3].flatMap((wanted) => all.filter((end) => rank(end) === wanted));
  };

  const outputWith = (type: PortType, wanted: PortFacts, id: string): Endpoint | undefined =>
    outputsFor(type, id, type).find(([other, port]) => {
      const known = own(own(facts, other) ?? {}, port);
      return known !== undefined && hasFacts(known, wanted);
    });

  /** What feeds the inputs of a node that is added beside `beside`; undefined when a required one stays empty. */
  const inputsOf = (
    info: NodeTypeInfo,
    beside: string,
    takes: string | undefined,
    named: NonNullable<Converter['inputs']> = {},
  ): Record<string, Endpoint> | undefined => {
    const inputs: Record<string, Endpoint> = {};
    for (const [name, { type, optional }] of Object.entries(info.inputs)) {
      if (name === takes) continue;
      const asked = own(named, name);
      if (asked === undefined && optional === true) continue;
      const from =
        typeof asked === 'string'
          ? sourceOf(beside, asked)
          : asked !== undefined
            ? outputWith(type, asked, beside)
            : besideSource(type, beside, name);
      if (from === undefined) return undefined;
      inputs[name] = from;
    }
    return inputs;
  };
  const besideSource = (type: PortType, beside: string, name: string): Endpoint | undefined => {
    const ports = Object.entries(infoOf(beside)?.inputs ?? {}).filter(([, port]) => port.type === type);
    const same = ports.find(([port]) => port === name) ?? ports[0];
    const given = same === undefined ? undefined : sourceOf(beside, same[0]);
    return given ?? outputsFor(type, beside, name)[0];
  };

  const addedNode = (
    info: NodeTypeInfo,
    beside: string,
    gives: PortType,
    takes?: PortType,
    converter?: Converter,
  ): InsertedNode | undefined => {
    const input = takes === undefined ? undefined : portOfType(info.inputs, takes);
    const output = portOfType(info.outputs, gives);
    if (output === undefined || (takes !== undefined && input === undefined)) return undefined;
    const inputs = inputsOf(info, beside, input, converter?.inputs);
    if (inputs === undefined) return undefined;
    const params: Record<string, ParamValue> = {};
    for (const [name, param] of Object.entries(info.params)) params[name] = param.default;
    return {
      type: info.type,
      version: info.version,
      params: { ...params, ...converter?.params },
      inputs,
      ...(input === undefined ? {} : { takes: input }),
      gives: output,
    };
  };

  /** Nodes on the wire into a port: for all that is fed from there first, so that what belongs together stays alike. */
  const converted = (id: string, fix: Extract<NodeFix, { kind: 'convert' }>): readonly GraphFix[] => {
    const type = own(infoOf(id)?.inputs ?? {}, fix.port)?.type;
    const from = sourceOf(id, fix.port);
    const [only] = fix.through;
    if (type === undefined || from === undefined || only === undefined) return [];
    const proposals: GraphFix[] = [];
    if (fix.through.length === 1 && own(workflow.nodes, from[0])?.type === only.type && only.params)
      proposals.push({ kind: 'set-params', label: fix.label, nodeId: from[0], values: { ...only.params } });
    const nodes: InsertedNode[] = [];
    let takes: PortType = type;
    for (const [index, converter] of fix.through.entries()) {
      const info = types.get(converter.type);
      const isLast = index === fix.through.length - 1;
      const gives: PortType | undefined = isLast ? type : Object.values(info?.outputs ?? {})[0]?.type;
      const node =
        info === undefined || gives === undefined ? undefined : addedNode(info, id, gives, takes, converter);
      if (node === undefined || gives === undefined) return proposals;
      nodes.push(startingFrom(node, index === 0 ? from : undefined));
      takes = gives;
    }
    const all = consumersOf(from).filter(([other]) => !feedsOne(nodes, other));
    const own_: Endpoint = [id, fix.port];
    proposals.push({ kind: 'insert-nodes', label: fix.label, nodes, to: all.map(copy) });
    if (all.length > 1) proposals.push({ kind: 'insert-nodes', label: fix.label, nodes, to: [own_] });
    return proposals;
  };
  /** Whether a node feeds one that is to be added: it cannot then be fed by it. */
  const feedsOne = (nodes: readonly InsertedNode[], id: string): boolean =>
    nodes.some((node) =>
      Object.entries(node.inputs).some(([port, [other]]) => port !== node.takes && isBehind(other, id)),
    );

  const sameSource = (id: string, fix: Extract<NodeFix, { kind: 'same-source' }>): readonly GraphFix[] => {
    const wanted = sourceOf(id, fix.from);
    const first = sourceOf(id, fix.port)?.[0];
    if (wanted === undefined || first === undefined) return [];
    // Breadth first: the nearest maker that takes such an input.
    const makers = new Set([first]);
    for (const maker of makers) {
      const inputs = Object.entries(infoOf(maker)?.inputs ?? {});
      const input = inputs.find(
        ([port, { type }]) => type === fix.type && sourceOf(maker, port) !== undefined,
      )?.[0];
      if (input !== undefined && !isBehind(wanted[0], maker)) {
        const fed = sourceOf(maker, input);
        if (fed?.join(' ') !== wanted.join(' '))
          return [{ kind: 'connect', label: fix.label, from: copy(wanted), to: [maker, input] }];
      }
      for (const [port] of inputs) {
        const above = sourceOf(maker, port)?.[0];
        if (above !== undefined && makers.size < mostMakers) makers.add(above);
      }
    }
    return [];
  };

  const connected = (id: string, fix: Extract<NodeFix, { kind: 'connect' }>): readonly GraphFix[] => {
    const type = own(infoOf(id)?.inputs ?? {}, fix.port)?.type;
    if (type === undefined) return [];
    const to: Endpoint = [id, fix.port];
    const known = fix.facts;
    const sources =
      known === undefined
        ? outputsFor(type, id, fix.port).slice(0, 4)
        : [outputWith(type, known, id) ?? []].flatMap((end) => (end.length === 2 ? [end] : []));
    const proposals = sources.map(
      (from): GraphFix => ({ kind: 'connect', label: fix.label, from: copy(from), to }),
    );
    const info = fix.orAdd === undefined ? undefined : types.get(fix.orAdd.type);
    const added = info === undefined ? undefined : addedNode(info, id, type, undefined, fix.orAdd);
    if (added !== undefined)
      proposals.push({ kind: 'insert-nodes', label: fix.label, nodes: [added], to: [to] });
    return proposals;
  };

  const around = (id: string, fix: Extract<NodeFix, { kind: 'go-around' }>): readonly GraphFix[] => {
    const maker = sourceOf(id, fix.port)?.[0];
    const type = own(infoOf(id)?.inputs ?? {}, fix.port)?.type;
    if (maker === undefined || type === undefined) return [];
    const input = portOfType(infoOf(maker)?.inputs ?? {}, type);
    const from = input === undefined ? undefined : sourceOf(maker, input);
    return from === undefined
      ? []
      : [{ kind: 'connect', label: fix.label, from: copy(from), to: [id, fix.port] }];
  };

  const resolve = (id: string, fix: NodeFix): readonly GraphFix[] => {
    switch (fix.kind) {
      case 'set-params':
        return [{ kind: 'set-params', label: fix.label, nodeId: id, values: { ...fix.values } }];
      case 'convert':
        return converted(id, fix);
      case 'same-source':
        return sameSource(id, fix);
      case 'connect':
        return connected(id, fix);
      case 'bypass':
        return [{ kind: 'bypass', label: fix.label, nodeId: id }];
      case 'go-around':
        return around(id, fix);
      default:
        return [
          {
            kind: 'set-param',
            label: fix.label,
            nodeId: id,
            param: fix.param,
            value: fix.value,
            ...(fix.isChoice === true ? { isChoice: true } : {}),
          },
        ];
    }
  };

  /** Ways to feed an input: from what is there, then from a node that is added. */
  function* feeding(to: Endpoint, instead?: WorkflowEdge): Iterable<GraphFix> {
    const [id, port] = to;
    const type = own(infoOf(id)?.inputs ?? {}, port)?.type;
    if (type === undefined) return;
    const replaced = instead === undefined ? {} : { instead: copyEdge(instead) };
    const present = outputsFor(type, id, port).filter(
      (from) => instead === undefined || from.join(' ') !== instead.from.join(' '),
    );
    for (const from of present.slice(0, mostSources)) {
      const label = `Connect ${nameOf(from[0])}`;
      yield { kind: 'connect', label, from: copy(from), to: copy(to), ...replaced };
    }
    const makers = [...catalogue.values()]
      .filter((info) => !info.isOutput && portOfType(info.outputs, type) !== undefined)
      .sort((a, b) => requiredCount(a) - requiredCount(b));
    for (const info of makers) {
      const node = addedNode(info, id, type);
      if (node === undefined) continue;
      yield { kind: 'insert-nodes', label: `Add ${info.title}`, nodes: [node], to: [copy(to)], ...replaced };
    }
  }

  /** The edge that an issue is about. */
  const edgeOf = (issue: GraphIssue): WorkflowEdge | undefined => {
    const [list, index] = issue.path ?? [];
    return list === 'edges' && typeof index === 'number' ? workflow.edges[index] : undefined;
  };

  function* mismatched(edge: WorkflowEdge): Iterable<GraphFix> {
    const given = own(infoOf(edge.from[0])?.outputs ?? {}, edge.from[1])?.type;
    const taken = own(infoOf(edge.to[0])?.inputs ?? {}, edge.to[1])?.type;
    if (given === undefined || taken === undefined) return;
    const converters = [...catalogue.values()]
      .filter(({ inputs, outputs }) => portOfType(inputs, given) && portOfType(outputs, taken))
      .sort((a, b) => requiredCount(a) - requiredCount(b));
    for (const info of converters.slice(0, mostSources)) {
      const node = addedNode(info, edge.to[0], taken, given);
      if (node === undefined) continue;
      const label = `Put ${info.title} between`;
      const nodes = [startingFrom(node, edge.from)];
      yield { kind: 'insert-nodes', label, nodes, to: [copy(edge.to)], instead: copyEdge(edge) };
    }
    yield* feeding(edge.to, edge);
  }

  /** A wire whose end names a port that is not there: the port that was meant, on either side. */
  function* misnamed(edge: WorkflowEdge): Iterable<GraphFix> {
    const [source, target] = [infoOf(edge.from[0]), infoOf(edge.to[0])];
    const given = own(source?.outputs ?? {}, edge.from[1])?.type;
    const taken = own(target?.inputs ?? {}, edge.to[1])?.type;
    const instead = copyEdge(edge);
    if (target !== undefined && taken === undefined && given !== undefined) {
      const free = Object.fromEntries(
        Object.entries(target.inputs).filter(([port]) => sourceOf(edge.to[0], port) === undefined),
      );
      for (const port of byLikeness(edge.to[1], free, given)) {
        const label = `Use its input "${target.inputs[port]?.label ?? port}"`;
        yield { kind: 'connect', label, from: copy(edge.from), to: [edge.to[0], port], instead };
      }
    }
    if (taken === undefined) return;
    if (source !== undefined && given === undefined) {
      for (const port of byLikeness(edge.from[1], source.outputs, taken)) {
        const label = `Use its output "${source.outputs[port]?.label ?? port}"`;
        yield { kind: 'connect', label, from: [edge.from[0], port], to: copy(edge.to), instead };
      }
    }
    yield* feeding(edge.to, edge);
  }

  /** For each wire of a loop: another source that is outside of it. */
  const unlooped = (id: string): readonly GraphFix[] => {
    const loop =
      findCycles(Object.keys(workflow.nodes), workflow.edges).find((group) => group.includes(id)) ?? [];
    const isInside = new Set(loop);
    const all = workflow.edges.filter(({ from, to }) => isInside.has(from[0]) && isInside.has(to[0]));
    // In a loop of many wires only a few close it; without one of these there is no loop.
    const closing =
      all.length > mostWiresOfLoop
        ? all
        : all.filter(
            (edge) =>
              findCycles(
                loop,
                all.filter((other) => other !== edge),
              ).length === 0,
          );
    const wires = closing.length > 0 ? closing : all;
    const perWire = wires.slice(0, mostWiresTried).map((edge) => {
      const input = own(infoOf(edge.to[0])?.inputs ?? {}, edge.to[1]);
      if (input?.optional === true)
        return [{ kind: 'remove-edge', label: 'Remove this wire', ...copyEdge(edge) } as const];
      return [...feeding(edge.to, edge)].filter(
        (fix) => fix.kind === 'connect' && !isInside.has(fix.from[0]),
      );
    });
    // The best of every wire before the second best of any.
    return [0, 1, 2].flatMap((rank) => perWire.flatMap((fixes) => fixes[rank] ?? []));
  };

  /** Types that have every port that wires of the node name. */
  const otherTypes = (id: string): readonly GraphFix[] => {
    const node = own(workflow.nodes, id);
    if (node === undefined) return [];
    const nearest = nearestName(node.type, catalogue.keys());
    const named = nearest === undefined ? undefined : catalogue.get(nearest);
    const wired = workflow.edges.filter(({ from, to }) => from[0] === id || to[0] === id);
    const fitting = [...catalogue.values()].filter(
      (info) =>
        wired.length > 0 &&
        wired.every(({ from, to }) =>
          from[0] === id
            ? own(info.outputs, from[1])?.type === own(infoOf(to[0])?.inputs ?? {}, to[1])?.type &&
              own(info.outputs, from[1]) !== undefined
            : own(info.inputs, to[1])?.type === own(infoOf(from[0])?.outputs ?? {}, from[1])?.type &&
              own(info.inputs, to[1]) !== undefined,
        ),
    );
    return [...(named === undefined ? [] : [named]), ...fitting].map(
      ({ type, version, title }): GraphFix => ({
        kind: 'set-type',
        label: `Use ${title}`,
        nodeId: id,
        type,
        version,
      }),
    );
  };

  const structural = (issue: GraphIssue): Iterable<GraphFix> => {
    const { code, nodeId, port, param } = issue;
    const edge = edgeOf(issue);
    switch (code) {
      case 'graph/missing-input':
        return nodeId === undefined || port === undefined ? [] : feeding([nodeId, port]);
      case 'graph/type-mismatch':
        return edge === undefined ? [] : mismatched(edge);
      case 'graph/unknown-port':
      case 'graph/dangling-edge':
      case 'graph/same-node':
        return edge === undefined ? [] : misnamed(edge);
      case 'graph/cycle':
        return nodeId === undefined ? [] : unlooped(nodeId);
      case 'graph/unknown-type':
        return nodeId === undefined ? [] : otherTypes(nodeId);
      case 'graph/unknown-param': {
        if (nodeId === undefined || param === undefined) return [];
        const meant = nearestName(param, Object.keys(infoOf(nodeId)?.params ?? {}));
        const removed = { kind: 'remove-param', label: `Remove ${param}`, nodeId, param } as const;
        return meant === undefined
          ? [removed]
          : [{ ...removed, label: `Rename it to ${meant}`, renameTo: meant }, removed];
      }
      case 'graph/param-range':
      case 'graph/param-kind': {
        // The nearest value allowed may be a wild one: the default is the second guess.
        const info = nodeId === undefined ? undefined : own(infoOf(nodeId)?.params ?? {}, param ?? '');
        if (info === undefined || nodeId === undefined || param === undefined) return [];
        const label = `Set ${info.label} to ${JSON.stringify(info.default)}`;
        return [
          ...(issue.fix === undefined ? [] : [issue.fix]),
          { kind: 'set-param', label, nodeId, param, value: info.default },
        ];
      }
      default:
        return [];
    }
  };

  const plain = (issue: GraphIssue, offered: readonly NodeFix[]): readonly GraphFix[] => {
    const { nodeId } = issue;
    const values = offered.filter(
      ({ kind }) => kind === undefined || kind === 'set-param' || kind === 'set-params',
    );
    const fromNode = nodeId === undefined ? [] : values.flatMap((fix) => resolve(nodeId, fix));
    return [...fromNode, ...(issue.fix === undefined ? [] : [issue.fix])];
  };

  return {
    findPlain: (issue, offered = []) => plain(issue, offered),
    *find(issue, offered = []) {
      const { nodeId } = issue;
      // Inside an instance only params are told apart from those of other instances.
      if (nodeId?.includes('/') === true || issue.path?.[0] === 'subgraphs') {
        yield* plain(issue, offered);
        return;
      }
      if (nodeId !== undefined) for (const fix of offered) yield* resolve(nodeId, fix);
      yield* structural(issue);
      if (issue.fix !== undefined) yield issue.fix;
    },
  };
}

function copy([id, port]: Endpoint): [string, string] {
  return [id, port];
}

function copyEdge({ from, to }: WorkflowEdge): { from: [string, string]; to: [string, string] } {
  return { from: copy(from), to: copy(to) };
}

/** The first node of a chain, fed from an output that is there. */
function startingFrom(node: InsertedNode, from: Endpoint | undefined): InsertedNode {
  const { takes, ...rest } = node;
  if (from === undefined || takes === undefined) return node;
  return { ...rest, inputs: { ...rest.inputs, [takes]: copy(from) } };
}

function portOfType(
  ports: Readonly<Record<string, { readonly type: PortType }>>,
  type: PortType,
): string | undefined {
  return Object.entries(ports).find(([, port]) => port.type === type)?.[0];
}

function requiredCount({ inputs }: NodeTypeInfo): number {
  return Object.values(inputs).filter(({ optional }) => optional !== true).length;
}

/** Ports of a type, those with a like name first. */
function byLikeness(
  name: string,
  ports: Readonly<Record<string, { readonly type: PortType }>>,
  type: PortType,
): readonly string[] {
  const fitting = Object.keys(ports).filter((port) => ports[port]?.type === type);
  const nearest = nearestName(name, fitting);
  return nearest === undefined ? fitting : [nearest, ...fitting.filter((port) => port !== nearest)];
}

function hasFacts(known: PortFacts, wanted: PortFacts): boolean {
  return Object.entries(wanted).every(
    ([name, value]) =>
      JSON.stringify(Object.entries(known).find(([key]) => key === name)?.[1]) === JSON.stringify(value),
  );
}

/** Wires between each node and the farthest start above it; nodes of a loop count as starts. */
function depthsOf(ids: readonly string[], edges: readonly WorkflowEdge[]): ReadonlyMap<string, number> {
  const next = adjacency(edges, 'downstream');
  const waiting = new Map<string, number>();
  for (const { to } of edges) waiting.set(to[0], (waiting.get(to[0]) ?? 0) + 1);
  const depths = new Map<string, number>();
  const ready = ids.filter((id) => !waiting.has(id));
  for (const id of ready) {
    const depth = depths.get(id) ?? 0;
    for (const other of next.get(id) ?? []) {
      depths.set(other, Math.max(depths.get(other) ?? 0, depth + 1));
      const left = (waiting.get(other) ?? 1) - 1;
      waiting.set(other, left);
      if (left === 0) ready.push(other);
    }
  }
  return depths;
}
