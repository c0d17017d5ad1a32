export {
  askedDeviceOf,
  type CommercialUse,
  chooseDevice,
  type DeviceChoice,
  type DeviceProbe,
  deviceNames,
  type HashProgress,
  type InstalledModel,
  importPackage,
  licenceProfileOf,
} from '@reelgraph/inference';
export { writeFileAtomically } from './atomic-file.ts';
export { type Catalogue, createCatalogue, modelRootsOf, modelRules } from './catalogue.ts';
export { type DataFolder, dataFolderAt, digestFileOf } from './data-folder.ts';
export { isDeviceName } from './device-names.ts';
export { chosenDevice, devicesHere } from './devices.ts';
export { createForecaster, type Estimate, type Forecaster, type ForecastRequest } from './forecaster.ts';
export { type IncomingFile, removeIncomingLeftovers, withIncomingFile } from './incoming-file.ts';
export { createInputFiles, type InputRoot, type LocatedInputFiles, type OpenInput } from './input-files.ts';
export { isFileTooLarge, largestFileBytes } from './input-limits.ts';
export { loadRegistry } from './registry.ts';
export { type BudgetTexts, budgetOf, parseDuration } from './run-budget.ts';
export { createRunHost, type HostedRun, type RunHost, type RunHostOptions } from './run-host.ts';
export { parseBytes, type RunLimits, runLimitsOf } from './run-limits.ts';
