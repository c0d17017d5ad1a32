import { expect, it } from 'vitest';
import { isComfyWorkflow } from './comfy-workflow.ts';

it('knows both kinds of ComfyUI files, and nothing else', () => {
  expect(isComfyWorkflow('{"last_node_id": 9, "nodes": [], "links": []}')).toBe(true);
  expect(isComfyWorkflow('{"3": {"class_type": "KSampler", "inputs": {}}}')).toBe(true);
  expect(isComfyWorkflow('{"reelgraph": 1, "nodes": {}, "edges": []}')).toBe(false);
  expect(isComfyWorkflow('{}')).toBe(false);
  expect(isComfyWorkflow('not json')).toBe(false);
});
