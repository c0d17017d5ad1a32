/** `--set name=value`: values for a workflow's inputs, with files taken from where the person stands. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { extname, resolve } from 'node:path';
import { applyInputs, type NodeCatalogue, type Workflow } from '@reelgraph/graph';
import { type DataFolder, isFileTooLarge, withIncomingFile } from '@reelgraph/host';
import { CliError } from './errors.ts';
import { exitCodes } from './exit-codes.ts';

/** `name=value` pairs; everything after the first `=` is the value. @throws CliError */
export function parseAssignments(texts: readonly string[]): Map<string, string> {
  const values = new Map<string, string>();
  for (const text of texts) {
    const at = text.indexOf('=');
    if (at <= 0) {
      throw new CliError(exitCodes.usage, 'cli/bad-set', `--set wants name=value, got "${text}".`, {
        hint: 'For example --set prompt="a red circle moves right".',
      });
    }
    values.set(text.slice(0, at), text.slice(at + 1));
  }
  return values;
}

/** The workflow with values set. @throws CliError for unknown names and values that do not fit */
export async function setInputs(
  workflow: Workflow,
  values: ReadonlyMap<string, string>,
  types: NodeCatalogue,
  folder: DataFolder,
): Promise<Workflow> {
  const resolved = new Map<string, string>();
  for (const [name, value] of values) {
    const isFile = paramKind(workflow, types, name) === 'file' && value !== '';
    resolved.set(name, isFile ? await takeFile(value, folder) : value);
  }
  const applied = applyInputs(workflow, resolved, types);
  if (applied.ok) return applied.workflow;
  throw new CliError(exitCodes.usage, 'cli/bad-set', 'The values given with --set do not fit.', {
    issues: applied.issues,
  });
}

function paramKind(workflow: Workflow, types: NodeCatalogue, name: string): string | undefined {
  const [nodeId = '', param = ''] = name.split('.');
  const target = Object.hasOwn(workflow.inputs, name) ? workflow.inputs[name] : { node: nodeId, param };
  const node =
    target !== undefined && Object.hasOwn(workflow.nodes, target.node)
      ? workflow.nodes[target.node]
      : undefined;
  return node === undefined || target === undefined
    ? undefined
    : types.get(node.type)?.params[target.param]?.kind;
}

/**
 * A file of the current folder goes into the data folder under its content's name, as an upload would, so the
 * workflow inside the video names something that exists. Any other name stays: it may lie beside the workflow.
 */
async function takeFile(value: string, folder: DataFolder): Promise<string> {
  const path = resolve(value);
  const info = await stat(path).catch(() => undefined);
  if (info === undefined || !info.isFile()) return value;
  const ending = /^\.[A-Za-z0-9]{1,8}$/.exec(extname(path))?.[0].toLowerCase() ?? '';
  try {
    return await withIncomingFile(
      createReadStream(path, { highWaterMark: 1024 * 1024 }),
      folder.inputsFolder,
      async (file) => {
        const name = `${file.digest}${ending}`;
        await file.keepAs(name);
        return `inputs/${name}`;
      },
    );
  } catch (error) {
    if (!isFileTooLarge(error)) throw error;
    const hint = error.hint === undefined ? {} : { hint: error.hint };
    throw new CliError(exitCodes.usage, error.code, `${value}: ${error.message}`, hint);
  }
}
