import { createContext, useContext } from 'react';
import type { Editor } from './editor.ts';

export const EditorContext = createContext<Editor | undefined>(undefined);

/** The editor this component is part of. */
export function useEditor(): Editor {
  const editor = useContext(EditorContext);
  if (!editor) throw new Error('useEditor needs an EditorContext above it.');
  return editor;
}
