/** Walking a graph by arrow keys: along wires sideways, to the nearest node otherwise. */
import type { Scene, SceneNode } from '../rete/scene.ts';

/** The node one arrow press away from `from`; the leftmost when there is none yet. */
export function neighbourOf(
  scene: Scene,
  from: string | undefined,
  dx: number,
  dy: number,
): string | undefined {
  const start = from === undefined ? undefined : scene.nodes.get(from);
  if (!start) {
    const [first] = [...scene.nodes.values()].sort((a, b) => a.x - b.x || a.y - b.y);
    return first?.id;
  }
  if (dx !== 0) {
    const wired = scene
      .wiresOf(start.id)
      .flatMap((wire) =>
        dx > 0 ? (wire.source === start ? [wire.target] : []) : wire.target === start ? [wire.source] : [],
      );
    const nearest = closest(start, wired);
    if (nearest) return nearest.id;
  }
  const ahead = [...scene.nodes.values()].filter((node) => {
    const x = centreX(node) - centreX(start);
    const y = centreY(node) - centreY(start);
    return node !== start && (dx !== 0 ? x * dx > Math.abs(y) : y * dy > Math.abs(x) * 0.6);
  });
  return closest(start, ahead)?.id;
}

function closest(start: SceneNode, nodes: readonly SceneNode[]): SceneNode | undefined {
  let found: SceneNode | undefined;
  let best = Infinity;
  for (const node of nodes) {
    const distance = Math.hypot(centreX(node) - centreX(start), centreY(node) - centreY(start));
    if (distance < best) {
      best = distance;
      found = node;
    }
  }
  return found;
}

const centreX = (node: SceneNode): number => node.x + node.width / 2;
const centreY = (node: SceneNode): number => node.y + node.height / 2;
