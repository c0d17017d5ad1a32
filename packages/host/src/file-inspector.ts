/** What the input files of a workflow are, for its check: looked at once per content, never waiting for a disk twice. */
import { createHash } from 'node:crypto';
import type { NodeCatalogue, Workflow, WorkflowNode } from '@reelgraph/graph';
import { own, withSubgraphs } from '@reelgraph/graph';
import { type FileFacts, NodeError } from '@reelgraph/node-api';
import { beginsAsLatentFile, latentFactsOf } from '@reelgraph/nodes';
import type { LocatedInputFiles, OpenInput } from './input-files.ts';

export interface FileInspector {
  /** Facts by name; a file that could not be looked at is left out. */
  factsOf(names: Iterable<string>, files: LocatedInputFiles): Promise<ReadonlyMap<string, FileFacts>>;
}

/** Looks into bytes; the host decides on which thread. */
export type InspectBytes = (bytes: Uint8Array) => Promise<FileFacts>;

/** As much as a run reads. */
const maxBytes = 64 * 1024 * 1024;
const maxRemembered = 2000;
/** Bytes hashed before others have their turn: a few milliseconds. */
const hashedAtOnce = 4 * 1024 * 1024;
/** More files than a person names; a document of a stranger may name any number. */
const maxFiles = 200;

/** An inspector that remembers facts by digest, and digests by what the file system says of a file. */
export function createFileInspector(inspect: InspectBytes): FileInspector {
  const digests = new Map<string, string>();
  const known = new Map<string, Promise<FileFacts>>();

  async function look({ handle, byteLength }: OpenInput, name: string): Promise<FileFacts | undefined> {
    if (byteLength > maxBytes) {
      const message = `The input file "${name}" is larger than ${maxBytes / 1024 / 1024} MiB.`;
      return { kind: 'unusable', code: 'file/too-large', message };
    }
    const { dev, ino, size, mtimeMs, ctimeMs } = await handle.stat();
    const stamp = [dev, ino, size, mtimeMs, ctimeMs].join(' ');
    const remembered = known.get(digests.get(stamp) ?? '');
    if (remembered !== undefined) return remembered;
    const bytes = await handle.readFile();
    const digest = await digestOf(bytes);
    remember(digests, stamp, digest);
    const facts = known.get(digest) ?? (beginsAsLatentFile(bytes) ? latentFacts(bytes) : inspect(bytes));
    remember(known, digest, facts);
    try {
      return await facts;
    } catch {
      // A look that failed by itself says nothing of the file; the next check looks again.
      known.delete(digest);
      return undefined;
    }
  }

  return {
    async factsOf(names, files) {
      const wanted = [...new Set(names)].slice(0, maxFiles);
      const facts = new Map<string, FileFacts>();
      for (const name of wanted) {
        const opened = await files.open(name);
        if (opened === undefined) {
          const message = `There is no input file "${name}". Choose the file again.`;
          facts.set(name, { kind: 'unusable', code: 'file/not-found', message });
          continue;
        }
        try {
          const found = await look(opened, name);
          if (found !== undefined) facts.set(name, found);
        } finally {
          await opened.handle.close();
        }
      }
      return facts;
    },
  };
}

/** Names in the `file` params of a workflow, inside subgraphs too. */
export function filesNamedBy(workflow: Workflow, catalogue: NodeCatalogue): ReadonlySet<string> {
  const types = withSubgraphs(workflow, catalogue);
  const names = new Set<string>();
  const scopes = [workflow.nodes, ...Object.values(workflow.subgraphs).map(({ nodes }) => nodes)];
  for (const node of scopes.flatMap((nodes): WorkflowNode[] => Object.values(nodes))) {
    for (const [param, info] of Object.entries(types.get(node.type)?.params ?? {})) {
      const value = info.kind === 'file' ? (own(node.params, param) ?? info.default) : '';
      if (typeof value === 'string' && value !== '') names.add(value);
    }
  }
  return names;
}

/** The head is short, so it is read on this thread. */
async function latentFacts(bytes: Uint8Array): Promise<FileFacts> {
  try {
    return { kind: 'latent', facts: latentFactsOf(bytes) };
  } catch (error) {
    if (!(error instanceof NodeError)) throw error;
    return { kind: 'unusable', code: error.code, message: error.message };
  }
}

async function digestOf(bytes: Uint8Array): Promise<string> {
  const hash = createHash('sha256');
  for (let at = 0; at < bytes.length; at += hashedAtOnce) {
    if (at > 0) await new Promise(setImmediate);
    hash.update(bytes.subarray(at, at + hashedAtOnce));
  }
  return hash.digest('hex');
}

function remember<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key);
  map.set(key, value);
  const [oldest] = map.keys();
  if (map.size > maxRemembered && oldest !== undefined) map.delete(oldest);
}
