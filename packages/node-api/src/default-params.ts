/** Params for tests that care about a few of them. */
import type { NodeDefinition, ParamMap, ParamsOf, PortMap } from './define-node.ts';

/** The declared defaults with `own` over them. */
export function defaultParams<P extends ParamMap>(
  { params }: Pick<NodeDefinition<PortMap, PortMap, P>, 'params'>,
  own: Partial<ParamsOf<P>> = {},
): ParamsOf<P> {
  const defaults = Object.fromEntries(Object.entries(params).map(([name, info]) => [name, info.default]));
  // Each default is of the kind that its declaration names.
  return { ...defaults, ...own } as ParamsOf<P>;
}
