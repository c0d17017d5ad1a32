export { defaultParams } from './default-params.ts';
export {
  createFakeCheckpoints,
  createFakeFiles,
  createFakeFrameFiles,
  createFakeFrames,
  createFakeMedia,
  createFakeModels,
  createFakeResults,
  createTestContext,
  type FakeMux,
  fakeModelFacts,
  fakeModelRef,
  fakeTarget,
  inMemory,
  type TestContext,
} from './test-context.ts';
