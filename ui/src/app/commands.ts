/** All commands with their names and keys: one list for the keyboard, the palette and the help page. */
import * as files from '../actions/files.ts';
import * as graph from '../actions/graph-actions.ts';
import * as running from '../actions/running.ts';
import type { IconName } from '../controls/icon.tsx';
import type { Editor } from './editor.ts';

export interface Command {
  readonly id: string;
  readonly title: string;
  readonly words: readonly string[];
  readonly icon: IconName;
  /** `Mod+Shift+Z`; Mod is Ctrl, or Command on a Mac. Keys without Mod work only outside text fields. */
  readonly keys?: string;
  readonly run: (editor: Editor) => void;
}

/** Opens the menu that adds a node, at the pointer or in the middle of the view. */
export function openAddMenu(editor: Editor): void {
  const view = editor.view.get();
  if (!view) return;
  const at = view.pointerInGraph();
  editor.overlay.set({ kind: 'add', at, screen: view.port.toScreen(at) });
}

export function toggleTheme(editor: Editor): void {
  editor.theme.update((theme) => (theme === 'dark' ? 'light' : 'dark'));
}

/** One step back or forth. Where that leads to another workflow, all of it is brought into sight. */
function stepHistory(editor: Editor, direction: 'undo' | 'redo'): void {
  const change = editor.document[direction]();
  if (change && change.workflowNumber !== change.previousNumber)
    requestAnimationFrame(() => editor.view.get()?.frameToRead());
}

export const commands: readonly Command[] = [
  {
    id: 'run',
    title: 'Run',
    words: ['queue', 'start', 'generate'],
    icon: 'play',
    keys: 'Mod+Enter',
    run: (e) => void running.startRun(e),
  },
  {
    id: 'run-selected',
    title: 'Run what the selection needs',
    words: ['targets', 'partial'],
    icon: 'target',
    keys: 'Mod+Shift+Enter',
    run: (e) => void running.startRun(e, [...e.selection.get().nodes]),
  },
  {
    id: 'cancel',
    title: 'Cancel the run',
    words: ['stop', 'interrupt'],
    icon: 'stop',
    keys: 'Mod+.',
    run: (e) => void running.cancelCurrent(e),
  },
  {
    id: 'add',
    title: 'Add a node',
    words: ['create', 'insert', 'search'],
    icon: 'add-node',
    keys: 'Tab',
    run: openAddMenu,
  },
  {
    id: 'undo',
    title: 'Undo',
    words: ['back'],
    icon: 'undo',
    keys: 'Mod+Z',
    run: (e) => stepHistory(e, 'undo'),
  },
  {
    id: 'redo',
    title: 'Redo',
    words: ['again'],
    icon: 'redo',
    keys: 'Mod+Shift+Z',
    run: (e) => stepHistory(e, 'redo'),
  },
  {
    id: 'delete',
    title: 'Delete',
    words: ['remove'],
    icon: 'trash',
    keys: 'Delete',
    run: graph.deleteSelection,
  },
  {
    id: 'duplicate',
    title: 'Duplicate',
    words: ['copy', 'clone'],
    icon: 'copy',
    keys: 'Mod+D',
    run: graph.duplicateSelection,
  },
  { id: 'select-all', title: 'Select all', words: [], icon: 'frame', keys: 'Mod+A', run: graph.selectAll },
  {
    id: 'mute',
    title: 'Mute or unmute',
    words: ['disable'],
    icon: 'minus',
    keys: 'M',
    run: (e) => graph.toggleMode(e, 'muted'),
  },
  {
    id: 'bypass',
    title: 'Bypass or not',
    words: ['skip', 'pass through'],
    icon: 'redo',
    keys: 'B',
    run: (e) => graph.toggleMode(e, 'bypassed'),
  },
  {
    id: 'frame-all',
    title: 'Show all nodes',
    words: ['fit', 'zoom', 'frame'],
    icon: 'frame',
    keys: 'A',
    run: (e) => e.view.get()?.frame(),
  },
  {
    id: 'frame-selection',
    title: 'Show the selection',
    words: ['fit', 'zoom', 'frame', 'focus'],
    icon: 'target',
    keys: 'F',
    run: (e) => {
      const { nodes } = e.selection.get();
      e.view.get()?.frame(nodes.size > 0 ? nodes : undefined);
    },
  },
  {
    id: 'tidy',
    title: 'Tidy the layout',
    words: ['arrange', 'auto layout', 'align', 'clean'],
    icon: 'layout',
    keys: 'L',
    run: graph.tidy,
  },
  {
    id: 'templates',
    title: 'Open',
    words: ['templates', 'examples', 'workflows', 'saved', 'file', 'gallery'],
    icon: 'folder',
    keys: 'Mod+O',
    run: (e) => e.overlay.set({ kind: 'templates' }),
  },
  {
    id: 'models',
    title: 'Models',
    words: ['installed', 'checkpoints', 'licence', 'verify', 'digest', 'import'],
    icon: 'layout',
    run: (e) => e.overlay.set({ kind: 'models' }),
  },
  { id: 'new', title: 'New workflow', words: ['empty', 'clear'], icon: 'file', run: files.newWorkflow },
  {
    id: 'save',
    title: 'Save',
    words: ['store'],
    icon: 'save',
    keys: 'Mod+S',
    run: (e) => {
      const id = e.savedAs.get();
      if (id === undefined) e.overlay.set({ kind: 'save' });
      else void files.saveToServer(e, id);
    },
  },
  {
    id: 'save-as',
    title: 'Save under another name',
    words: ['save as', 'copy'],
    icon: 'save',
    keys: 'Mod+Shift+S',
    run: (e) => e.overlay.set({ kind: 'save' }),
  },
  {
    id: 'download',
    title: 'Download as JSON',
    words: ['export', 'file'],
    icon: 'download',
    run: files.downloadWorkflow,
  },
  {
    id: 'palette',
    title: 'Commands',
    words: ['palette'],
    icon: 'command',
    keys: 'Mod+K',
    run: (e) => e.overlay.set({ kind: 'palette' }),
  },
  {
    id: 'theme',
    title: 'Dark or light',
    words: ['theme', 'colours', 'appearance'],
    icon: 'moon',
    run: toggleTheme,
  },
  {
    id: 'inspector',
    title: 'Inspector',
    words: ['panel', 'properties'],
    icon: 'panel',
    keys: 'I',
    run: (e) =>
      e.panel.update((panel) =>
        panel.open && panel.tab === 'inspector'
          ? { ...panel, open: false }
          : { open: true, tab: 'inspector' },
      ),
  },
  {
    id: 'outline',
    title: 'Outline',
    words: ['list', 'nodes', 'keyboard'],
    icon: 'layout',
    keys: 'O',
    run: (e) => e.panel.set({ open: true, tab: 'outline' }),
  },
  {
    id: 'results',
    title: 'Results',
    words: ['gallery', 'videos'],
    icon: 'templates',
    run: (e) => e.panel.set({ open: true, tab: 'results' }),
  },
  {
    id: 'runs',
    title: 'Queue and history',
    words: ['runs'],
    icon: 'repeat',
    run: (e) => e.panel.set({ open: true, tab: 'runs' }),
  },
  {
    id: 'problems',
    title: 'Problems',
    words: ['errors', 'issues', 'check'],
    icon: 'alert',
    run: (e) => e.panel.set({ open: true, tab: 'problems' }),
  },
  {
    id: 'zoom-in',
    title: 'Zoom in',
    words: [],
    icon: 'plus',
    keys: '+',
    run: (e) => e.view.get()?.port.zoomBy(1.25),
  },
  {
    id: 'zoom-out',
    title: 'Zoom out',
    words: [],
    icon: 'minus',
    keys: '-',
    run: (e) => e.view.get()?.port.zoomBy(0.8),
  },
  {
    id: 'help',
    title: 'Keys',
    words: ['shortcuts', 'help', 'keyboard'],
    icon: 'help',
    keys: '?',
    run: (e) => e.overlay.set({ kind: 'help' }),
  },
];

export function commandById(id: string): Command {
  const command = commands.find((candidate) => candidate.id === id);
  if (!command) throw new Error(`No command "${id}".`);
  return command;
}
