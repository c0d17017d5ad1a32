/** Why a node ran, as the end of a sentence that begins with "It ran": "because Seed changed". */
import type { NodeTypeInfo, RanBecause } from '@reelgraph/graph';

export function whyItRan({ code, name }: RanBecause, info: NodeTypeInfo): string {
  switch (code) {
    case 'never-computed':
      return 'for the first time';
    case 'param-changed':
      return `because ${(name !== undefined && info.params[name]?.label) || name || 'a setting'} changed`;
    case 'input-changed': {
      const label = name !== undefined ? (info.inputs[name]?.label ?? name) : 'its inputs';
      return `because what comes in at ${label} changed`;
    }
    case 'model-changed':
      return 'because the model changed';
    case 'node-changed':
      return 'because this kind of node computes differently than when it last ran';
    case 'evicted':
      return 'because its kept result had made room for others';
    case 'damaged':
      return 'because its kept result was damaged';
    case 'not-cacheable':
      return 'because its result is never kept';
  }
}
