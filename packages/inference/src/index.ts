export {
  type AskedDevice,
  askedDeviceOf,
  chooseDevice,
  type DeviceChoice,
  type DeviceName,
  type DeviceProbe,
  deviceNames,
  parseProbes,
} from './devices.ts';
export { openingsFileBeside } from './graph-openings.ts';
export { type ImportedPackage, type ImportOptions, importPackage } from './import-package.ts';
export type { InstalledModel } from './installed-model.ts';
export { type CommercialUse, type LicenceProfile, licenceProfileOf } from './licences.ts';
export {
  type ComponentTime,
  createModelService,
  type ModelServiceHandle,
  type ModelServiceOptions,
} from './model-service.ts';
export type { DigestOptions, HashProgress } from './package-digest.ts';
export type { PackagePart } from './package-parts.ts';
export { probeDevices } from './probe-devices.ts';
export type { PackageVerdict } from './verify-package.ts';
