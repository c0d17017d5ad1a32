/** The built editor, served so that a reload is instant and an update is seen at once. */
import { existsSync } from 'node:fs';
import { join, sep } from 'node:path';
import express, { Router } from 'express';
import { HttpError } from './http-error.ts';

/** Built files carry a hash of their content in their name, except `index.html`, which names them. */
export function staticEditor(folder: string): Router {
  const router = Router();
  const assets = join(folder, 'assets') + sep;
  router.get('/', (_request, _response, next) => {
    if (existsSync(join(folder, 'index.html'))) next();
    else {
      throw new HttpError(503, 'editor/not-built', 'The editor is not built yet; the API works without it.', {
        hint: 'Run "npm start", or "npm run build:ui" in another terminal.',
      });
    }
  });
  router.use(
    express.static(folder, {
      index: 'index.html',
      redirect: false,
      setHeaders: (response, path) => {
        response.setHeader(
          'cache-control',
          path.startsWith(assets) ? 'public, max-age=31536000, immutable' : 'no-cache',
        );
      },
    }),
  );
  return router;
}
