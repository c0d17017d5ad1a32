/**
 * What a file is, told from its first bytes: a name may lie, and a browser would run an HTML called `clip.mp4`.
 *
 * Apart from the look of @reelgraph/media at pictures, whose libraries take most of a second to load.
 */

/** Bytes needed to tell. */
export const sniffLength = 16;

function hasText(head: Uint8Array, at: number, text: string): boolean {
  return [...text].every((char, index) => head[at + index] === char.charCodeAt(0));
}

/** Whether these can be the first bytes of a safetensors file: the length of a JSON object, and its brace. */
export function isSafetensors(head: Uint8Array): boolean {
  // Lengths beyond 4 GiB, whose upper half is not 0, are no header's.
  return head.length > 8 && head[8] === 0x7b && head.subarray(4, 8).every((byte) => byte === 0);
}

/**
 * Media type of the formats that a browser plays or shows without running anything in them; undefined for
 * everything else, which is only ever offered as a download.
 */
export function sniffMediaType(head: Uint8Array): string | undefined {
  if (hasText(head, 4, 'ftyp')) return 'video/mp4';
  if (hasText(head, 0, '\u001aE\u00df\u00a3')) return 'video/webm';
  if (hasText(head, 0, '\u0089PNG\r\n\u001a\n')) return 'image/png';
  if (hasText(head, 0, '\u00ff\u00d8\u00ff')) return 'image/jpeg';
  if (hasText(head, 0, 'RIFF') && hasText(head, 8, 'WEBP')) return 'image/webp';
  if (hasText(head, 0, 'RIFF') && hasText(head, 8, 'WAVE')) return 'audio/wav';
  if (hasText(head, 0, 'GIF87a') || hasText(head, 0, 'GIF89a')) return 'image/gif';
  return undefined;
}
