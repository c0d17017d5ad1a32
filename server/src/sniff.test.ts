import { expect, it } from 'vitest';
import { isSafetensors, sniffMediaType } from './sniff.ts';

const bytes = (text: string) => Uint8Array.from(text, (char) => char.charCodeAt(0));

it.each([
  ['\u0000\u0000\u0000\u0020ftypisom', 'video/mp4'],
  ['\u001aE\u00df\u00a3\u0001', 'video/webm'],
  ['\u0089PNG\r\n\u001a\n', 'image/png'],
  ['\u00ff\u00d8\u00ff\u00e0', 'image/jpeg'],
  ['RIFF\u0001\u0001\u0001\u0001WEBPVP8 ', 'image/webp'],
  ['RIFF\u0001\u0001\u0001\u0001WAVEfmt ', 'audio/wav'],
  ['GIF89a', 'image/gif'],
])('%j is known by its bytes', (head, mediaType) => {
  expect(sniffMediaType(bytes(head))).toBe(mediaType);
});

it.each([
  '<svg xmlns="http',
  '<!doctype html>',
  '<?xml version="',
  '%PDF-1.7',
  'MZ\u0090',
  'PK\u0003\u0004',
  'alert(1)',
  '',
  'RIFF',
])('%j is only ever a download', (head) => {
  expect(sniffMediaType(bytes(head))).toBeUndefined();
});

it('tensors are known by a short header that begins with a brace, and are never shown', () => {
  const head = '\u0058\u0001\u0000\u0000\u0000\u0000\u0000\u0000{"__meta';
  expect(isSafetensors(bytes(head))).toBe(true);
  expect(sniffMediaType(bytes(head))).toBeUndefined();
  expect(isSafetensors(bytes(head.replace('{', '[')))).toBe(false);
  expect(isSafetensors(bytes('{"reelgraph": 1, "name": "x"}'))).toBe(false);
  expect(isSafetensors(bytes(''))).toBe(false);
});
