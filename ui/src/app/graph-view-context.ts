import { createContext, useContext } from 'react';
import type { GraphView } from '../rete/graph-view.ts';

export const GraphViewContext = createContext<GraphView | undefined>(undefined);

/** The canvas this component is drawn in. */
export function useGraphView(): GraphView {
  const view = useContext(GraphViewContext);
  if (!view) throw new Error('useGraphView needs a GraphViewContext above it.');
  return view;
}
