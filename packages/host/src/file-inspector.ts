/** What the input files of a workflow are, for its check: looked at once per content, never waiting for a disk twice. */
import type { NodeCatalogue, Workflow, WorkflowNode } from '@reelgraph/graph';
import { own, withSubgraphs } from '@reelgraph/graph';
import type { OpenFile } from '@reelgraph/media';
import { type FileFacts, NodeError } from '@reelgraph/node-api';
import { beginsAsLatentFile, latentFactsOf } from '@reelgraph/nodes';
import { remember } from './file-pieces.ts';
import { fileNotFound, type LocatedInputFiles, type OpenInput } from './input-files.ts';
import { fileTooLarge, headBytes, isVideoHead, limitOf } from './input-limits.ts';

export interface FileInspector {
  /** Facts by name; a file that could not be looked at is left out. */
  factsOf(names: Iterable<string>, files: LocatedInputFiles): Promise<ReadonlyMap<string, FileFacts>>;
}

/** Looks into a file that stays open meanwhile; the host decides on which thread. */
export type InspectFile = (file: OpenFile) => Promise<FileFacts>;

/** More files than a person names; a document of a stranger may name any number. */
const maxFiles = 200;

/** An inspector that remembers facts by digest. */
export function createFileInspector(inspect: InspectFile): FileInspector {
  const known = new Map<string, Promise<FileFacts>>();

  async function look(
    opened: OpenInput,
    name: string,
    files: LocatedInputFiles,
  ): Promise<FileFacts | undefined> {
    const { handle, byteLength } = opened;
    const { buffer: head } = await handle.read(Buffer.alloc(headBytes), 0, headBytes, 0);
    const limitBytes = limitOf(head);
    if (byteLength > limitBytes) {
      const { code, message } = fileTooLarge(`The input file "${name}"`, limitBytes);
      return { kind: 'unusable', code, message };
    }
    const digest = await files.digestOf(opened);
    const facts = known.get(digest) ?? factsOfFile(opened, isVideoHead(head));
    remember(known, digest, facts);
    try {
      return await facts;
    } catch {
      // A look that failed by itself says nothing of the file; the next check looks again.
      known.delete(digest);
      return undefined;
    }
  }

  async function factsOfFile({ handle, byteLength }: OpenInput, isVideo: boolean): Promise<FileFacts> {
    const bytes = isVideo ? undefined : await handle.readFile();
    if (bytes !== undefined && beginsAsLatentFile(bytes)) return latentFacts(bytes);
    return inspect({ fd: handle.fd, byteLength });
  }

  return {
    async factsOf(names, files) {
      const wanted = [...new Set(names)].slice(0, maxFiles);
      const facts = new Map<string, FileFacts>();
      for (const name of wanted) {
        const opened = await files.open(name);
        if (opened === undefined) {
          const { code, message, hint } = fileNotFound(name);
          facts.set(name, { kind: 'unusable', code, message: `${message} ${hint}` });
          continue;
        }
        try {
          const found = await look(opened, name, files);
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
