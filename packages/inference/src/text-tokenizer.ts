/** Text to token ids by the `tokenizer.json` of a package, offline. */

import { Tokenizer } from '@huggingface/tokenizers';
import { maxTextCharacters, NodeError } from '@reelgraph/node-api';
import { type Tensor, tensor } from '@reelgraph/tensor';
import { looseObjectSchema } from './model-config.ts';
import { damagedModel, type ModelPackage, readModelJson } from './model-package.ts';

export interface TokenizedText {
  /** [1, L] int64 */
  readonly ids: Tensor<'int64'>;
  /** [1, L] int64, all 1 */
  readonly mask: Tensor<'int64'>;
}

/** Tokenizes for a model that reads at most `maxTokens` tokens. */
export class TextTokenizer {
  readonly #tokenizer: Tokenizer;
  readonly #modelName: string;
  readonly #maxTokens: number;

  private constructor(tokenizer: Tokenizer, modelName: string, maxTokens: number) {
    this.#tokenizer = tokenizer;
    this.#modelName = modelName;
    this.#maxTokens = maxTokens;
  }

  /** @throws NodeError 'model/damaged' when the tokenizer's files are missing or make no tokenizer */
  static async open({ name, folder }: ModelPackage, maxTokens: number): Promise<TextTokenizer> {
    const file = 'tokenizer/tokenizer.json';
    const definition = await readModelJson(name, folder, file, looseObjectSchema);
    const config = await readModelJson(
      name,
      folder,
      'tokenizer/tokenizer_config.json',
      looseObjectSchema,
    ).catch((error: unknown) => {
      if (error instanceof NodeError && error.message.endsWith('is missing.')) return {};
      throw error;
    });
    try {
      const tokenizer = new Tokenizer(definition, config);
      tokenizer.encode('a');
      return new TextTokenizer(tokenizer, name, maxTokens);
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

  #tooLong(found: string): NodeError {
    return new NodeError(
      'text/too-long',
      `The text has ${found}; model "${this.#modelName}" reads at most ${this.#maxTokens} tokens (a word is one or a few).`,
      { hint: 'Shorten the prompt: say what is seen, where, and how it moves.' },
    );
  }
}
