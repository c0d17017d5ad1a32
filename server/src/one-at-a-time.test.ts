import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import express, { type RequestHandler, type Response } from 'express';
import { afterEach, expect, it, vi } from 'vitest';
import { oneAtATime } from './one-at-a-time.ts';

const arrived: Response[] = [];
const inside: Response[] = [];
const note =
  (list: Response[]): RequestHandler =>
  (_request, response, next) => {
    list.push(response);
    if (list === arrived) next();
  };
const app = express().get('/', note(arrived), oneAtATime(), note(inside));
const server = createServer(app).listen(0, '127.0.0.1');
afterEach(() => server.close());

it('the second request waits until the first is answered, and one that left is passed over', async () => {
  if (!server.listening) await once(server, 'listening');
  const { port }: Pick<AddressInfo, 'port'> = Object(server.address());
  const url = `http://127.0.0.1:${port}/`;
  const leaving = new AbortController();
  const first = fetch(url);
  await vi.waitFor(() => expect(inside).toHaveLength(1));
  const gone = fetch(url, { signal: leaving.signal });
  await vi.waitFor(() => expect(arrived).toHaveLength(2));
  const third = fetch(url);
  await vi.waitFor(() => expect(arrived).toHaveLength(3));
  expect(inside).toHaveLength(1);
  leaving.abort();
  await expect(gone).rejects.toThrow();
  await vi.waitFor(() => expect(arrived[1]?.closed).toBe(true));
  inside[0]?.end('one');
  expect(await (await first).text()).toBe('one');
  await vi.waitFor(() => expect(inside).toHaveLength(2));
  inside[1]?.end('three');
  expect(await (await third).text()).toBe('three');
});
