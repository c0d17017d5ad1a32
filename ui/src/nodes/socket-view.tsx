/** One socket: a coloured and shaped dot in an area large enough to hit, known to rete while it is on screen. */
import type { GraphIssue, PortInfo } from '@reelgraph/graph';
import { memo } from 'react';
import { useEditor } from '../app/editor-context.ts';
import { useGraphView } from '../app/graph-view-context.ts';
import { factsInFull } from '../state/facts-label.ts';
import { messageOnNode } from '../state/issue-text.ts';
import { useSelected } from '../state/observable.ts';
import { socketShape } from '../styles/theme.ts';

export interface SocketViewProps {
  readonly nodeId: string;
  readonly side: 'input' | 'output';
  readonly name: string;
  readonly port: PortInfo;
  readonly connected: boolean;
  readonly problem: GraphIssue | undefined;
}

export const SocketView = memo(function SocketView({
  nodeId,
  side,
  name,
  port,
  connected,
  problem,
}: SocketViewProps) {
  const view = useGraphView();
  const editor = useEditor();
  const fit = useSelected(view.wiring.inHand, (wiring) => {
    if (!wiring) return 'idle';
    if (wiring.held.end[0] === nodeId && wiring.held.end[1] === name && wiring.held.side === side)
      return 'origin';
    if (wiring.held.side === side) return 'unfit';
    return wiring.rule([nodeId, name]).ok ? 'fit' : 'unfit';
  });
  const facts = useSelected(editor.check, (check) =>
    side === 'output' ? check.facts[nodeId]?.[name] : undefined,
  );
  const known = facts ? factsInFull(facts) : '';
  const optional = port.optional ? ', optional' : '';
  const title = `${port.label} · ${port.type}${optional}${known && `\n${known}`}\n${port.description}${problem ? `\n⚠ ${messageOnNode(problem)}` : ''}`;
  return (
    <span
      className={`socket ${side} ${socketShape(port.type)} ${fit} ${connected ? 'connected' : ''} ${problem ? (problem.severity === 'error' ? 'problem' : 'caution') : ''} ${port.optional ? 'optional' : ''}`}
      style={{ '--socket': `var(--port-${port.type})` } as React.CSSProperties}
      title={title}
      role="img"
      aria-label={`${side} ${port.label}, ${port.type}${optional}, ${connected ? 'connected' : 'not connected'}`}
      data-testid={`socket-${nodeId}-${side}-${name}`}
      data-port-type={port.type}
      onDoubleClick={(event) => {
        event.stopPropagation();
        const box = event.currentTarget.getBoundingClientRect();
        const end = [nodeId, name] as [string, string];
        const held = { side, end, taken: undefined };
        const at = view.port.toGraph(box.left + (side === 'output' ? 60 : -300), box.top);
        editor.overlay.set({ kind: 'add', screen: { x: box.right, y: box.bottom }, at, wire: { held, end } });
      }}
      ref={(element) => (element ? view.plugin.mountSocket(element, { nodeId, side, key: name }) : undefined)}
    >
      <span className="dot" />
    </span>
  );
});
