import { expect, it } from 'vitest';
import { damageStore } from './store-damage.ts';

it('fifty damages to the store: each is found, and every run gives what it gives on a whole store', async () => {
  const { blob, record, ledger } = await damageStore({ seed: 20261, count: 50 });
  expect(blob.cases + record.cases + ledger.cases).toBe(50);
  for (const part of [blob, record, ledger]) expect(part.cases).toBeGreaterThan(5);
  expect(blob).toEqual({ cases: blob.cases, found: blob.cases, wrong: 0 });
  expect(record).toEqual({ cases: record.cases, found: record.cases, wrong: 0 });
  expect(ledger.wrong).toBe(0);
});
