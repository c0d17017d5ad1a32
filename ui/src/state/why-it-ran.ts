/** Why a node ran, as the end of a sentence that begins with "It ran", with the labels of its type. */
import { type NodeTypeInfo, type RanBecause, reasonText } from '@reelgraph/graph';

export function whyItRan(because: RanBecause, info: NodeTypeInfo): string {
  return reasonText(because, {
    param: (name) => info.params[name]?.label,
    input: (name) => info.inputs[name]?.label,
  });
}
