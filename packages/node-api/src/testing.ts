export {
  createFakeCheckpoints,
  createFakeMedia,
  createFakeModels,
  createFakeResults,
  createTestContext,
  fakeModelFacts,
  fakeModelRef,
  fakeTarget,
  type TestContext,
} from './test-context.ts';
