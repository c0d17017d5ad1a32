import { describe, expect, it } from 'vitest';
import { formatActionLog, maxLoggedActions, parseActionLog } from './action-log.ts';

const known = ['none', 'left', 'right', 'act'];

describe('an action log', () => {
  it('says what repeats with a number', () => {
    expect(formatActionLog(['right', 'right', 'right', 'act', 'none', 'none'])).toBe('right*3 act none*2');
    expect(formatActionLog([])).toBe('');
  });

  it('reads back as it was', () => {
    const actions = ['left', 'act', 'act', 'left', 'none', 'right', 'right'];
    expect(parseActionLog(formatActionLog(actions), known)).toEqual({ ok: true, actions });
    expect(parseActionLog('', known)).toEqual({ ok: true, actions: [] });
  });

  it('is forgiving about how a person types it', () => {
    expect(parseActionLog('  Left,  act\nRIGHT*2 ', known)).toEqual({
      ok: true,
      actions: ['left', 'act', 'right', 'right'],
    });
  });

  it.each(['jump', 'left*0', 'left*', '*3', 'left*99999', 'left*-1'])('refuses %s, by name', (text) => {
    const parsed = parseActionLog(`left ${text}`, known);
    expect(parsed).toMatchObject({ ok: false, message: expect.stringContaining(text) });
  });

  it('refuses more than a log may hold, without making it', () => {
    expect(parseActionLog(`none*${maxLoggedActions}`, known).ok).toBe(true);
    expect(parseActionLog(`none*${maxLoggedActions} act`, known)).toMatchObject({ ok: false });
    expect(parseActionLog('none*9999', known)).toMatchObject({ ok: false });
  });
});
