/** Adds a node by search: everywhere on the canvas, or for a wire that was let go and wants a fitting end. */
import type { NodeTypeInfo } from '@reelgraph/graph';
import { useCallback, useMemo, useState } from 'react';
import { addNodeOfType } from '../actions/graph-actions.ts';
import type { Overlay } from '../app/editor.ts';
import { useEditor } from '../app/editor-context.ts';
import { useObservable } from '../state/observable.ts';
import { categoryHue } from '../styles/theme.ts';
import { SearchList } from './search-list.tsx';
import { typesForWire } from './types-for-wire.ts';

interface TypeItem {
  readonly key: string;
  readonly title: string;
  readonly words: readonly string[];
  readonly info: NodeTypeInfo;
}

const size = { width: 520, height: 360 };

export function AddMenu({ overlay }: { overlay: Extract<Overlay, { kind: 'add' }> }) {
  const editor = useEditor();
  const catalogue = useObservable(editor.catalogue);
  const [active, setActive] = useState<NodeTypeInfo | undefined>(undefined);
  const wire = overlay.wire;
  const items = useMemo<TypeItem[]>(() => {
    const types = wire ? typesForWire(editor.document.get(), catalogue, wire.held) : [...catalogue.values()];
    return types.map((info) => ({
      key: info.type,
      title: info.title,
      words: [...info.synonyms, info.category, info.type, ...settingsOf(info)],
      info,
    }));
  }, [catalogue, editor, wire]);
  const onActive = useCallback((item: TypeItem | undefined) => setActive(item?.info), []);
  const close = (): void => {
    editor.overlay.set(undefined);
    editor.view.get()?.container.focus({ preventScroll: true });
  };
  // It stays on the canvas: the panel beside it is still of use.
  const canvas = editor.view.get()?.port.box;
  const right = canvas ? canvas.left + canvas.width : window.innerWidth;
  const left = Math.max(8, Math.min(overlay.screen.x, right - size.width - 8));
  const top = Math.max(8, Math.min(overlay.screen.y, window.innerHeight - size.height - 8));
  return (
    <div className="overlay-catch" onPointerDown={(event) => event.target === event.currentTarget && close()}>
      <div
        className="add-menu popup"
        role="dialog"
        aria-label="Add a node"
        style={{ left, top, ...size }}
        data-testid="add-menu"
      >
        <SearchList
          label={wire ? 'Nodes that fit this wire' : 'Search nodes'}
          placeholder={wire ? 'Nodes that fit this wire …' : 'Add a node …'}
          items={items}
          empty={wire && items.length === 0 ? 'No node fits this wire.' : 'No node of that name.'}
          groupOf={(item) => item.info.category}
          onActive={onActive}
          // Tab opened this; a second Tab goes on, so that the canvas is no trap for the keyboard.
          onTabAway={() => {
            editor.overlay.set(undefined);
            document.querySelector<HTMLElement>('.canvas-tools button')?.focus();
          }}
          onPick={(item) => {
            close();
            addNodeOfType(editor, item.info, overlay.at, wire ? { held: wire.held } : {});
          }}
          renderItem={(item) => (
            <>
              <span className="hue" style={{ background: categoryHue(item.info.category) }} />
              {item.title}
            </>
          )}
        />
        <TypePreview info={active} />
      </div>
    </div>
  );
}

/** Names of settings, so that "fps" finds the node that has it. */
function settingsOf(info: NodeTypeInfo): string[] {
  return Object.entries(info.params).flatMap(([name, param]) => [name, param.label]);
}

function TypePreview({ info }: { info: NodeTypeInfo | undefined }) {
  if (!info) return <aside className="type-preview" />;
  return (
    <aside className="type-preview">
      <h3>{info.title}</h3>
      <p>{info.description}</p>
      <PortTable title="Takes" ports={Object.values(info.inputs)} />
      <PortTable title="Gives" ports={Object.values(info.outputs)} />
    </aside>
  );
}

function PortTable({
  title,
  ports,
}: {
  title: string;
  ports: readonly { label: string; type: string; optional?: boolean | undefined }[];
}) {
  if (ports.length === 0) return null;
  return (
    <dl>
      <dt>{title}</dt>
      {ports.map((port) => (
        <dd key={port.label}>
          <span className="port-dot" style={{ background: `var(--port-${port.type})` }} />
          {port.label} <small>{port.optional ? `${port.type}, optional` : port.type}</small>
        </dd>
      ))}
    </dl>
  );
}
