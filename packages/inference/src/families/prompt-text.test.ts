import { describe, expect, it } from 'vitest';
import { cleanPrompt, unescapeHtml } from './prompt-text.ts';

describe('cleanPrompt', () => {
  // What ftfy.fix_text, html.unescape twice, a collapse of white space and strip make of each.
  it.each([
    ['plain text stays', 'A cat walks.', 'A cat walks.'],
    ['white space becomes single spaces', '  a\tcat \r\n walks\u00a0slowly ', 'a cat walks slowly'],
    ['curly marks become plain', '\u201cIt\u2019s\u201d', '"It\'s"'],
    ['ligatures come apart', 'a ﬁne waﬄe', 'a fine waffle'],
    ['wide letters become usual ones', 'Ｃａｔ\u3000１', 'Cat 1'],
    ['letters and their accents come together', 'cafe\u0301', 'caf\u00e9'],
    ['entities become letters, also when written twice', 'salt &amp;amp; pepper &#233;', 'salt & pepper é'],
    ['what cannot be seen goes', 'a\u0007\ufeffcat', 'acat'],
    ['other alphabets stay', '一只猫 кошка', '一只猫 кошка'],
  ])('%s', (_, text, clean) => {
    expect(cleanPrompt(text)).toBe(clean);
  });
});

describe('unescapeHtml', () => {
  it('leaves what is no entity, and names of objects', () => {
    expect(unescapeHtml('a && b &constructor; &nothing;')).toBe('a && b &constructor; &nothing;');
  });

  it('shows numbers that are no letters as such', () => {
    expect(unescapeHtml('&#0; &#xd800; &#x1f431;')).toBe('\ufffd \ufffd 🐱');
  });
});
