/** Why a node ran, as the end of a sentence that begins with "It ran", with the labels of its type. */
import { type NodeTypeInfo, type RanBecause, type ReasonLabels, reasonText } from '@reelgraph/graph';

export function whyItRan(because: RanBecause, info: NodeTypeInfo): string {
  return reasonText(because, labelsOfType(info));
}

export function labelsOfType(info: NodeTypeInfo): ReasonLabels {
  return {
    param: (name) => info.params[name]?.label,
    input: (name) => info.inputs[name]?.label,
  };
}
