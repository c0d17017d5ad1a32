/** Dark or light: as the system says, until the person says otherwise. */
import { browserStorage } from '../state/browser-storage.ts';
import { applyTheme, type ThemeName } from '../styles/theme.ts';
import type { Editor } from './editor.ts';

const themeKey = 'reelgraph.theme';

export function followTheme(editor: Editor): void {
  const storage = browserStorage();
  const stored = storage.getItem(themeKey);
  const dark = window.matchMedia('(prefers-color-scheme: dark)');
  const preferred = (): ThemeName => (dark.matches ? 'dark' : 'light');
  editor.theme.set(stored === 'dark' || stored === 'light' ? stored : preferred());
  applyTheme(document.documentElement, editor.theme.get());
  editor.theme.subscribe(() => {
    applyTheme(document.documentElement, editor.theme.get());
    // Choosing what the system says anyway goes back to following it.
    if (editor.theme.get() === preferred()) storage.removeItem(themeKey);
    else {
      try {
        storage.setItem(themeKey, editor.theme.get());
      } catch {
        // No room: the choice holds for this visit.
      }
    }
  });
  dark.addEventListener('change', () => {
    if (storage.getItem(themeKey) === null) editor.theme.set(preferred());
  });
}
