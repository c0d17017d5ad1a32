import './app/no-eval.ts';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app/app.tsx';
import { Editor } from './app/editor.ts';
import { startEditor } from './app/start-editor.ts';

const root = document.getElementById('app');
if (!root) throw new Error('The page has no element "app" to draw the editor in.');

const editor = new Editor();
startEditor(editor);
createRoot(root).render(
  <StrictMode>
    <App editor={editor} />
  </StrictMode>,
);
