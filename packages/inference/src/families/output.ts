import { expectDType, type Tensor } from '@reelgraph/tensor';

/** An output of a graph by name. @throws Error when the graph has none of it; TensorError when it is not float32 */
export function output(outputs: Readonly<Record<string, Tensor>>, name: string): Tensor<'float32'> {
  const value = outputs[name];
  if (value === undefined)
    throw new Error(`The graph has no output "${name}"; it has ${Object.keys(outputs).join(', ')}.`);
  return expectDType(value, 'float32', `Output "${name}"`);
}
