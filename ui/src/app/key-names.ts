/** Keys of the keyboard as the texts of `Command.keys`. */

export interface KeyPress {
  readonly key: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly shiftKey: boolean;
  readonly altKey: boolean;
}

/** `Mod+Shift+Z` for a key event. Shift is left out where it only makes the character: `?`, `+`. */
export function keyName(event: KeyPress): string {
  const letter = event.key.length === 1 ? event.key.toUpperCase() : event.key;
  const parts: string[] = [];
  if (event.ctrlKey || event.metaKey) parts.push('Mod');
  if (event.altKey) parts.push('Alt');
  if (event.shiftKey && !/^[^A-Z0-9]$/.test(letter)) parts.push('Shift');
  parts.push(letter === 'Backspace' ? 'Delete' : letter === '=' ? '+' : letter);
  return parts.join('+');
}

/** How a key is written for people: `Ctrl Shift Z`, on a Mac `⌘ ⇧ Z`. */
export function keyLabel(keys: string, isMac: boolean): string {
  return keys
    .split(/\+(?=.)/)
    .map((part) => (part === 'Mod' ? (isMac ? '⌘' : 'Ctrl') : part === 'Shift' && isMac ? '⇧' : part))
    .join(' ');
}
