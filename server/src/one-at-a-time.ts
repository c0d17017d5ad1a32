/** A gate before routes that need much memory: requests pass it one by one. */
import type { RequestHandler } from 'express';
import { HttpError } from './http-error.ts';

const maxWaiting = 20;

/** Lets one request through until it is answered or gone; the next ones wait, and too many are sent away (503). */
export function oneAtATime(): RequestHandler {
  const waiting: (() => void)[] = [];
  let isBusy = false;

  const letNextIn = () => {
    const next = waiting.shift();
    if (next === undefined) isBusy = false;
    else next();
  };

  return (_request, response, next) => {
    const enter = () => {
      isBusy = true;
      response.once('close', letNextIn);
      next();
    };
    if (!isBusy) {
      enter();
      return;
    }
    if (waiting.length >= maxWaiting) {
      throw new HttpError(503, 'http/busy', 'Too many files are being read already.', {
        hint: 'Try again in a moment.',
      });
    }
    waiting.push(enter);
    response.once('close', () => {
      const place = waiting.indexOf(enter);
      if (place >= 0) waiting.splice(place, 1);
    });
  };
}
