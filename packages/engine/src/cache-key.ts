/**
 * The key of a result: equal keys mean equal results. SHA-256 of the node's type and version, its params, and
 * per named input the key and port of what feeds it. Every part carries its length, so that no two lists of
 * parts read the same. Ids, titles and layout stay out: moving or renaming a node recomputes nothing.
 */
import { hash } from 'node:crypto';
import type { KeyParts } from '@reelgraph/store';

/** Raised when keys are made another way; results under old keys are then left behind. */
const keyFormat = 'reelgraph-key-1';

/** What a key is made of, beside the node's type. */
export interface KeyIngredients extends KeyParts {
  /** Digest of the document's meaning, for nodes that put the document into their result. */
  readonly workflow?: string;
}

/** 64 hexadecimal digits. */
export function cacheKey(nodeType: string, { version, params, inputs, workflow }: KeyIngredients): string {
  let text = '';
  const add = (part: string): void => {
    text += `${part.length}:${part}`;
  };
  add(keyFormat);
  add(nodeType);
  add(String(version));
  for (const name of Object.keys(params).sort()) {
    add('param');
    add(name);
    add(params[name] ?? '');
  }
  for (const port of Object.keys(inputs).sort()) {
    add('input');
    add(port);
    add(inputs[port] ?? '');
  }
  if (workflow !== undefined) {
    add('workflow');
    add(workflow);
  }
  return hash('sha256', text, 'hex');
}

/** A param value as it enters the key: kind and canonical text. */
export function paramKeyText(kind: string, value: string | number | boolean): string {
  const text = String(value);
  // UTF-8 turns every unpaired surrogate into the same character; spelled out they stay apart.
  return text.isWellFormed() ? `${kind}:${text}` : `${kind}~${JSON.stringify(text)}`;
}
