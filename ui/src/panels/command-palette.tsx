import { useMemo } from 'react';
import { openFromServer } from '../actions/files.ts';
import { addNodeOfType, jumpToNode } from '../actions/graph-actions.ts';
import { commands } from '../app/commands.ts';
import { useEditor } from '../app/editor-context.ts';
import { keyLabel } from '../app/key-names.ts';
import { Icon, type IconName } from '../controls/icon.tsx';
import { typeOfNode } from '../state/catalogue.ts';
import { SearchList } from './search-list.tsx';

interface PaletteItem {
  readonly key: string;
  readonly title: string;
  readonly words: readonly string[];
  readonly group: string;
  readonly icon: IconName;
  readonly keys?: string;
  readonly run: () => void;
}

/** Everything by name: commands, nodes to go to, nodes to add, workflows to open. */
export function CommandPalette() {
  const editor = useEditor();
  const items = useMemo<PaletteItem[]>(() => {
    const document = editor.document.get();
    const catalogue = editor.catalogue.get();
    return [
      ...commands
        .filter((command) => command.id !== 'palette')
        .map(({ id, title, words, icon, keys, run }) => ({
          key: id,
          title,
          words,
          group: 'Commands',
          icon,
          ...(keys ? { keys } : {}),
          run: () => run(editor),
        })),
      ...Object.entries(document.nodes).map(([id, node]) => ({
        key: `go-${id}`,
        title: `Go to ${node.title ?? typeOfNode(catalogue, document, id).title}`,
        words: [id, node.type],
        group: 'Nodes in this workflow',
        icon: 'target' as const,
        run: () => jumpToNode(editor, id),
      })),
      ...[...catalogue.values()].map((info) => ({
        key: `add-${info.type}`,
        title: `Add ${info.title}`,
        words: [...info.synonyms, ...Object.values(info.params).map((param) => param.label)],
        group: 'Add',
        icon: 'plus' as const,
        run: () => void addNodeOfType(editor, info, editor.view.get()?.port.centre() ?? [0, 0]),
      })),
      ...editor.workflows.get().map((workflow) => ({
        key: `open-${workflow.id}`,
        title: `Open ${workflow.name}`,
        words: [workflow.id, 'template'],
        group: 'Workflows',
        icon: 'folder' as const,
        run: () => void openFromServer(editor, workflow.id),
      })),
    ];
  }, [editor]);
  const close = (): void => {
    editor.overlay.set(undefined);
    editor.view.get()?.container.focus({ preventScroll: true });
  };
  const isMac = /Mac|iPhone|iPad/.test(navigator.userAgent);
  return (
    <div
      className="overlay-catch dim"
      onPointerDown={(event) => event.target === event.currentTarget && close()}
    >
      <div className="palette popup" role="dialog" aria-label="Commands" data-testid="palette">
        <SearchList
          label="Commands"
          placeholder="Type a command, a node or a workflow …"
          items={items}
          empty="Nothing of that name."
          groupOf={(item) => item.group}
          onPick={(item) => {
            close();
            item.run();
          }}
          renderItem={(item) => (
            <>
              <Icon name={item.icon} size={14} />
              {item.title}
              {item.keys && <kbd>{keyLabel(item.keys, isMac)}</kbd>}
            </>
          )}
        />
      </div>
    </div>
  );
}
