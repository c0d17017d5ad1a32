export {
  type ComponentTime,
  createModelService,
  type InstalledModel,
  type ModelServiceHandle,
  type ModelServiceOptions,
} from './model-service.ts';
