/** The ports of a node with their types, what feeds them and what is known of them. */
import type { PortFacts, PortInfo } from '@reelgraph/graph';
import { factsInFull } from '../state/facts-label.ts';

interface PortSectionProps {
  readonly title: string;
  readonly ports: Readonly<Record<string, PortInfo>>;
  readonly sources?: ReadonlyMap<string, string>;
  readonly facts?: Readonly<Record<string, PortFacts>>;
}

export function PortSection({ title, ports, sources, facts }: PortSectionProps) {
  const entries = Object.entries(ports);
  if (entries.length === 0) return null;
  return (
    <section>
      <h3>{title}</h3>
      <ul className="port-list">
        {entries.map(([name, port]) => (
          <li key={name}>
            <p>
              <span className="port-dot" style={{ background: `var(--port-${port.type})` }} />
              <strong>{port.label}</strong>
              <small>{port.optional ? `${port.type}, optional` : port.type}</small>
              <span className="port-end">
                {sources?.get(name) ?? (facts?.[name] ? factsInFull(facts[name]) : '')}
              </span>
            </p>
            <p className="param-help">{port.description}</p>
          </li>
        ))}
      </ul>
    </section>
  );
}
