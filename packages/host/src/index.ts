export { writeFileAtomically } from './atomic-file.ts';
export { type Catalogue, createCatalogue, modelRootsOf } from './catalogue.ts';
export { type DataFolder, dataFolderAt } from './data-folder.ts';
export { isDeviceName } from './device-names.ts';
export { createInputFiles, type InputRoot, type LocatedInputFiles, type OpenInput } from './input-files.ts';
export { loadRegistry } from './registry.ts';
export { createRunHost, type HostedRun, type RunHost, type RunHostOptions } from './run-host.ts';
export { parseBytes, type RunLimits, runLimitsOf } from './run-limits.ts';
