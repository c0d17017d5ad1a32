/** The ports of a node with their types, what feeds them and what is known of them. */
import type { PortFacts, PortInfo } from '@reelgraph/graph';
import type { ReactNode } from 'react';
import { factsInFull } from '../state/facts-label.ts';

interface PortSectionProps {
  readonly title: string;
  readonly ports: Readonly<Record<string, PortInfo>>;
  /** What wires a port, by its name; its text names the field for screen readers. */
  readonly picker?: (port: string, fieldId: string) => ReactNode;
  readonly idPrefix?: string;
  readonly facts?: Readonly<Record<string, PortFacts>>;
}

export function PortSection({ title, ports, picker, idPrefix = title, facts }: PortSectionProps) {
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
              {picker ? (
                <label htmlFor={`${idPrefix}-${name}`}>
                  <strong>{port.label}</strong>
                </label>
              ) : (
                <strong>{port.label}</strong>
              )}
              <small>{port.optional ? `${port.type}, optional` : port.type}</small>
              <span className="port-end">{facts?.[name] ? factsInFull(facts[name]) : ''}</span>
            </p>
            {picker?.(name, `${idPrefix}-${name}`)}
            <p className="param-help">{port.description}</p>
          </li>
        ))}
      </ul>
    </section>
  );
}
