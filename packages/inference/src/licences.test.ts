import { describe, expect, it } from 'vitest';
import { commercialUseOf, licenceProfileOf, licenceRefusal, type PartLicence } from './licences.ts';

const part = (name: string, licence: string): PartLicence => ({
  part: name,
  licence,
  commercialUse: commercialUseOf(licence),
});

describe('licences', () => {
  it.each([
    ['Apache-2.0', 'yes'],
    ['apache-2.0 ', 'yes'],
    ['MIT', 'yes'],
    ['CC-BY-NC-4.0', 'no'],
    ['cc-by-nc-sa-4.0', 'no'],
    ['Some Non-Commercial Model Licence', 'no'],
    ['research-only', 'no'],
    ['CogVideoX-License', 'no'],
    ['tencent-hunyuan-community', 'conditions'],
    ['unknown', 'unknown'],
    ['Once Upon A Licence', 'unknown'],
    // An NC in the middle of a word forbids nothing.
    ['Encore-1.0', 'unknown'],
    ['constructor', 'unknown'],
  ] as const)('%s: commercial use %s', (licence, use) => {
    expect(commercialUseOf(licence)).toBe(use);
  });

  it('refuses nothing where nothing is asked', () => {
    expect(licenceRefusal('clips', [part('transformer', 'CC-BY-NC-4.0')], 'any')).toBeUndefined();
  });

  it('a commercial profile takes what allows it, also on conditions', () => {
    const parts = [part('transformer', 'Apache-2.0'), part('text_encoder', 'openrail')];
    expect(licenceRefusal('clips', parts, 'commercial')).toBeUndefined();
  });

  it.each([
    ['one part forbids it', ['Apache-2.0', 'CC-BY-NC-4.0'], 'the licence of its b, CC-BY-NC-4.0, forbids it'],
    ['one is of a licence nobody knows', ['MIT', 'Odd-1'], 'nothing is known of the licence of its b, Odd-1'],
    ['one does not say', ['MIT', 'unknown'], 'it does not say under which licence its b is'],
    ['none says', ['unknown', 'unknown'], 'it does not say under which licence it is'],
    ['one is unknown and one forbids it', ['unknown', 'CC-BY-NC-4.0'], 'CC-BY-NC-4.0, forbids it'],
  ])('a commercial profile refuses a model when %s', (_when, [first = '', second = ''], why) => {
    const error = licenceRefusal('clips', [part('a', first), part('b', second)], 'commercial');
    expect(error).toMatchObject({
      code: 'model/licence',
      message: expect.stringMatching(/^Model "clips" is not for commercial use: .*\.$/),
    });
    expect(error?.message).toContain(why);
  });

  it('a profile that is misspelt is no profile', () => {
    expect(licenceProfileOf({})).toBe('any');
    expect(licenceProfileOf({ REELGRAPH_LICENCES: 'commercial' })).toBe('commercial');
    expect(() => licenceProfileOf({ REELGRAPH_LICENCES: 'comercial' })).toThrow('any or commercial');
  });
});
