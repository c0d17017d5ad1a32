/** The workflows a person can open: templates shipped with the program, and what was saved in the data folder. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type GraphIssue, parseWorkflow, type Workflow } from '@reelgraph/graph';
import { isDeviceName, writeFileAtomically } from '@reelgraph/host';
import type { WorkflowSummary } from '@reelgraph/protocol';
import { HttpError, notFound } from './http-error.ts';
import { canonicalText } from './workflow-text.ts';

/** The template that is opened where nothing else is. */
const firstTemplate = 'text-to-video';

export interface WorkflowLibrary {
  /** Templates with the simplest first, then what was saved, by id. */
  list(): Promise<WorkflowSummary[]>;
  /** @throws HttpError 404, or 422 with issues when the file cannot be read as a workflow */
  get(id: string): Promise<Workflow>;
  /** @throws HttpError 400 for an id that cannot be a file name */
  checkId(id: string): void;
  /** @throws HttpError 400 for an id that cannot be a file name, 409 for the id of a template, 413 when too large */
  save(id: string, workflow: Workflow): Promise<WorkflowSummary>;
}

type Source = WorkflowSummary['source'];

const idPattern = /^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/;

interface Entry {
  readonly modifiedMs: number;
  readonly byteLength: number;
  readonly parsed:
    | { readonly ok: true; readonly workflow: Workflow }
    | { readonly ok: false; readonly issues: readonly GraphIssue[] };
}

/** A library over two folders; files may come and go while it is used. */
export function createWorkflowLibrary(folders: {
  readonly templates: string;
  readonly saved: string;
}): WorkflowLibrary {
  const folderOf = { template: folders.templates, saved: folders.saved };
  /** Parsed files by path, held as long as the file does not change. */
  const entries = new Map<string, Entry>();

  async function read(source: Source, id: string): Promise<Entry | undefined> {
    const path = join(folderOf[source], `${id}.json`);
    const info = await stat(path).catch(() => undefined);
    if (info === undefined || !info.isFile()) {
      entries.delete(path);
      return undefined;
    }
    const known = entries.get(path);
    if (known !== undefined && known.modifiedMs === info.mtimeMs && known.byteLength === info.size)
      return known;
    const entry = {
      modifiedMs: info.mtimeMs,
      byteLength: info.size,
      parsed: parseWorkflow(await readFile(path, 'utf8')),
    };
    entries.set(path, entry);
    return entry;
  }

  async function idsIn(source: Source): Promise<string[]> {
    const names = await readdir(folderOf[source]).catch(() => []);
    return names
      .filter((name) => name.endsWith('.json'))
      .map((name) => name.slice(0, -'.json'.length))
      .filter((id) => idPattern.test(id))
      .sort();
  }

  async function summaries(source: Source): Promise<WorkflowSummary[]> {
    const found = await Promise.all(
      (await idsIn(source)).map(async (id) => {
        const entry = await read(source, id);
        return entry?.parsed.ok ? [{ id, workflow: entry.parsed.workflow }] : [];
      }),
    );
    const size = ({ workflow }: { workflow: Workflow }) => Object.keys(workflow.nodes).length;
    const listed = found.flat();
    // Who begins is shown what the tour begins with; then comes what has the least to understand, and ids settle the
    // rest, sorted above.
    const order = (entry: { id: string; workflow: Workflow }) =>
      entry.id === firstTemplate ? 0 : size(entry);
    if (source === 'template') listed.sort((a, b) => order(a) - order(b));
    return listed.map(({ id, workflow }) => summarize(id, workflow, source));
  }

  function checkId(id: string): void {
    if (idPattern.test(id) && !isDeviceName(id)) return;
    throw new HttpError(
      400,
      'workflow/bad-id',
      'A workflow’s id has letters, digits, "-" or "_", at most 100.',
      { path: ['id'] },
    );
  }

  return {
    checkId,
    async list() {
      const templates = await summaries('template');
      const taken = new Set(templates.map((summary) => summary.id));
      return [...templates, ...(await summaries('saved')).filter((summary) => !taken.has(summary.id))];
    },
    async get(id) {
      checkId(id);
      const entry = (await read('template', id)) ?? (await read('saved', id));
      if (entry === undefined)
        throw notFound(`There is no workflow "${id}".`, 'GET /api/v1/workflows lists them.');
      if (entry.parsed.ok) return entry.parsed.workflow;
      throw new HttpError(
        422,
        'workflow/invalid',
        `The file of workflow "${id}" cannot be read as a workflow.`,
        {
          issues: entry.parsed.issues,
        },
      );
    },
    async save(id, workflow) {
      checkId(id);
      if ((await read('template', id)) !== undefined) {
        throw new HttpError(409, 'workflow/is-template', `"${id}" is a template and cannot be overwritten.`, {
          hint: 'Save it under another name.',
        });
      }
      await writeFileAtomically(join(folders.saved, `${id}.json`), canonicalText(workflow));
      return summarize(id, workflow, 'saved');
    },
  };
}

function summarize(id: string, workflow: Workflow, source: Source): WorkflowSummary {
  return { id, name: workflow.name, description: workflow.description, source };
}
