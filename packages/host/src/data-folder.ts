import { join } from 'node:path';

/** Where things lie in a data folder; server and command line share it, and with it their cached results. */
export interface DataFolder {
  /** The folder itself; holds the journal of runs. */
  readonly root: string;
  /** Content-addressed results. */
  readonly artifactsFolder: string;
  /** Images that were uploaded. */
  readonly inputsFolder: string;
  /** Workflows that were saved. */
  readonly workflowsFolder: string;
  /** Model packages of the user, one folder each. */
  readonly modelsFolder: string;
}

/** Where digests of models are remembered, so that no process hashes them twice. */
export function digestFileOf({ artifactsFolder }: DataFolder): string {
  return join(artifactsFolder, 'model-digests.json');
}

/** The layout of the data folder at `root`; creates nothing. */
export function dataFolderAt(root: string): DataFolder {
  return {
    root,
    artifactsFolder: join(root, 'artifacts'),
    inputsFolder: join(root, 'inputs'),
    workflowsFolder: join(root, 'workflows'),
    modelsFolder: join(root, 'models'),
  };
}
