import { describe, expect, it } from 'vitest';
import { ProtocolError } from './errors.ts';
import {
  encodeClientMessage,
  encodeServerMessage,
  parseClientMessage,
  parseFromRunner,
  parseServerMessage,
  parseToRunner,
} from './messages.ts';

describe('messages', () => {
  it('are the same after encoding and parsing', () => {
    const hello = { type: 'hello', protocol: 2, since: 7, serverId: 'a' } as const;
    expect(parseClientMessage(encodeClientMessage(hello))).toEqual(hello);
    const event = {
      type: 'event',
      cursor: 3,
      event: {
        type: 'node.progress',
        runId: 'r',
        seq: 2,
        atMs: 5,
        nodeId: 'denoise',
        step: 1,
        totalSteps: 20,
      },
    } as const;
    expect(parseServerMessage(encodeServerMessage(event))).toEqual(event);
  });

  it.each([
    ['no JSON', '{', 'protocol/not-json', []],
    ['an unknown type', '{"type":"bye"}', 'protocol/invalid-message', ['type']],
    ['a wrong field', '{"type":"hello","protocol":"one"}', 'protocol/invalid-message', ['protocol']],
    ['a field nobody knows', '{"type":"hello","protocol":2,"extra":1}', 'protocol/invalid-message', []],
    ['another version', '{"type":"hello","protocol":1,"extra":1}', 'protocol/version-mismatch', ['protocol']],
  ])('with %s are refused with a code and the place', (_what, text, code, place) => {
    expect(() => parseClientMessage(text)).toThrow(ProtocolError);
    try {
      parseClientMessage(text);
    } catch (error) {
      expect(error).toMatchObject({ code, place });
    }
  });

  it('a welcome of another version says which is which, whatever else is in it', () => {
    const parse = () => parseServerMessage('{"type":"welcome","protocol":99,"rooms":[]}');
    expect(parse).toThrow('This server speaks protocol 99, the client 2. Reload the page');
  });

  it('between server and runner are parsed as values', () => {
    expect(parseFromRunner({ type: 'ready' })).toEqual({ type: 'ready' });
    expect(parseToRunner({ type: 'cancel', runId: 'r' })).toEqual({ type: 'cancel', runId: 'r' });
    expect(() => parseToRunner({ type: 'run', runId: 'r', workflow: {} })).toThrow(/workflow/);
    expect(() => parseFromRunner({ type: 'event', event: { type: 'nonsense' } })).toThrow(ProtocolError);
  });
});
