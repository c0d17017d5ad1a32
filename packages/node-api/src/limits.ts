/** Limits that nodes and the services behind them share. */

/** No token stands for more characters than this. */
const maxCharactersPerToken = 64;

/** Characters beyond which a text cannot fit a model, however it is cut into at most `maxTokens` tokens. */
export function maxTextCharacters(maxTokens: number): number {
  return maxTokens * maxCharactersPerToken;
}

/** A name that every file system takes: letters that some refuse become dashes; never empty, at most 100 long. */
export function safeFileName(name: string): string {
  const safe = name
    .normalize('NFC')
    .replace(/[^\p{L}\p{N}._ -]+/gu, '-')
    .replace(/^[. -]+|[. -]+$/g, '')
    .slice(0, 100);
  return safe === '' ? 'clip' : safe;
}
