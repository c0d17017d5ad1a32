/** What kind of picture some bytes are, told by their first bytes; names and headers can lie. */

export type ImageMediaType = 'image/png' | 'image/jpeg' | 'image/webp';

/** The formats read here, or undefined. SVG and other active or rare formats are none. */
export function sniffImage(bytes: Uint8Array): ImageMediaType | undefined {
  const startsWith = (text: string, at: number) =>
    bytes.length >= at + text.length &&
    [...text].every((letter, i) => bytes[at + i] === letter.charCodeAt(0));
  if (startsWith('\x89PNG\r\n\x1a\n', 0)) return 'image/png';
  if (startsWith('\xff\xd8\xff', 0)) return 'image/jpeg';
  if (startsWith('RIFF', 0) && startsWith('WEBP', 8)) return 'image/webp';
  return undefined;
}
