/** Text to token ids by the `tokenizer.json` of a package, offline. */

import { Tokenizer } from '@huggingface/tokenizers';
import { maxTextCharacters, NodeError } from '@reelgraph/node-api';
import { type Tensor, tensor } from '@reelgraph/tensor';
import { looseObjectSchema } from './model-config.ts';
import { damagedModel, type ModelPackage, readModelJson } from './model-package.ts';

export interface TokenizedText {
  /** [1, L] int64 */
  readonly ids: Tensor<'int64'>;
  /** [1, L] int64, 1 where a token is one of the text */
  readonly mask: Tensor<'int64'>;
}

/** Tokenizes for a model that reads at most `maxTokens` tokens. */
export class TextTokenizer {
  readonly #tokenizer: Tokenizer;
  readonly #modelName: string;
  readonly #maxTokens: number;
  readonly #padId: number;
  /** A text ends with a token of its own, which stays when the text is cut. */
  readonly #isClosed: boolean;

  private constructor(
    tokenizer: Tokenizer,
    about: { modelName: string; maxTokens: number; padId: number; isClosed: boolean },
  ) {
    this.#tokenizer = tokenizer;
    this.#modelName = about.modelName;
    this.#maxTokens = about.maxTokens;
    this.#padId = about.padId;
    this.#isClosed = about.isClosed;
  }

  /** @throws NodeError 'model/damaged' when the tokenizer's files are missing or make no tokenizer */
  static async open(
    { name, folder }: ModelPackage,
    maxTokens: number,
    part = 'tokenizer',
  ): Promise<TextTokenizer> {
    const file = `${part}/tokenizer.json`;
    const definition = await readModelJson(name, folder, file, looseObjectSchema);
    const config: Readonly<Record<string, unknown>> = await readModelJson(
      name,
      folder,
      `${part}/tokenizer_config.json`,
      looseObjectSchema,
    ).catch((error: unknown) => {
      if (error instanceof NodeError && error.message.endsWith('is missing.')) return {};
      throw error;
    });
    try {
      const tokenizer = new Tokenizer(definition, config);
      const pad = config.pad_token;
      const padId = (typeof pad === 'string' ? tokenizer.token_to_id(pad) : undefined) ?? 0;
      const closes = tokenizer.encode('').ids.at(-1);
      const isClosed = closes !== undefined && closes === tokenizer.encode('a').ids.at(-1);
      return new TextTokenizer(tokenizer, { modelName: name, maxTokens, padId, isClosed });
    } catch (cause) {
      throw damagedModel(name, file, 'does not describe a tokenizer', cause);
    }
  }

  /**
   * A text that is too long is an error: cutting it would drop words the user thinks count.
   *
   * @throws NodeError 'text/too-long'
   */
  tokenize(text: string): TokenizedText {
    // Refused before it costs any time.
    if (text.length > maxTextCharacters(this.#maxTokens)) throw this.#tooLong(`${text.length} characters`);
    const { ids } = this.#tokenizer.encode(text);
    if (ids.length > this.#maxTokens) throw this.#tooLong(`${ids.length} tokens (word pieces)`);
    // A tokenizer without start and end marks gives nothing for an empty text, and graphs need one token.
    const known = ids.length > 0 ? ids : [0];
    const shape = [1, known.length];
    return {
      ids: tensor('int64', shape, BigInt64Array.from(known, BigInt)),
      mask: tensor('int64', shape, new BigInt64Array(known.length).fill(1n)),
    };
  }

  /**
   * As the pipelines of diffusers have it: exactly `maxTokens` ids. What is too long is cut before its closing token,
   * what is shorter is filled up under a zero mask.
   */
  tokenizePadded(text: string): TokenizedText {
    const length = this.#maxTokens;
    const { ids } = this.#tokenizer.encode(text);
    const cut = this.#isClosed ? [...ids.slice(0, length - 1), ...ids.slice(-1)] : ids.slice(0, length);
    const kept = ids.length > length ? cut : ids;
    const padded = BigInt64Array.from({ length }, (_, i) => BigInt(kept[i] ?? this.#padId));
    const mask = BigInt64Array.from({ length }, (_, i) => (i < kept.length ? 1n : 0n));
    return { ids: tensor('int64', [1, length], padded), mask: tensor('int64', [1, length], mask) };
  }

  #tooLong(found: string): NodeError {
    return new NodeError(
      'text/too-long',
      `The text has ${found}; model "${this.#modelName}" reads at most ${this.#maxTokens} tokens (a word is one or a few).`,
      { hint: 'Shorten the prompt: say what is seen, where, and how it moves.' },
    );
  }
}
