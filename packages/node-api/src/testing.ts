export {
  createFakeCheckpoints,
  createFakeMedia,
  createFakeModels,
  createTestContext,
  fakeModelFacts,
  fakeModelRef,
  fakeTarget,
  type TestContext,
} from './test-context.ts';
