import { expect, it } from 'vitest';
import { sniffMediaType } from './sniff.ts';

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
