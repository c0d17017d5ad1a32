/**
 * The key of a result: equal keys mean equal results. SHA-256 of the node's type and version, its params, and
 * per named input the key and port of what feeds it. Every part carries its length, so that no two lists of
 * parts read the same. Ids, titles and layout stay out: moving or renaming a node recomputes nothing.
 */
import { hash } from 'node:crypto';

/** Raised when keys are made another way; results under old keys are then left behind. */
const keyFormat = 'reelgraph-key-1';

/** One part of a key: its length in UTF-16 units, then itself. */
export function keyPart(text: string): string {
  return `${text.length}:${text}`;
}

/** How the key of every node of a type and version begins. */
export function keyHead(nodeType: string, version: number): string {
  return keyPart(keyFormat) + keyPart(nodeType) + keyPart(String(version));
}

/** What stands before the text of a param or the source of an input. */
export function keyField(field: 'param' | 'input', name: string): string {
  return keyPart(field) + keyPart(name);
}

/** The document's meaning, for nodes that put the document into their result. */
export function keyOfWorkflow(digest: string): string {
  return keyPart('workflow') + keyPart(digest);
}

/** The key whose parts were put together: 64 hexadecimal digits. */
export function cacheKey(parts: string): string {
  return hash('sha256', parts, 'hex');
}

/** A param value as it enters the key: kind and canonical text. */
export function paramKeyText(kind: string, value: string | number | boolean): string {
  const text = String(value);
  // UTF-8 turns every unpaired surrogate into the same character; spelled out they stay apart.
  return text.isWellFormed() ? `${kind}:${text}` : `${kind}~${JSON.stringify(text)}`;
}
