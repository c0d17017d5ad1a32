import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

const root = fileURLToPath(new URL('.', import.meta.url));

/** Where `vite ui` finds a running server while the editor is being worked on. */
const server = process.env.REELGRAPH_SERVER ?? 'http://127.0.0.1:7860';

export default defineConfig({
  root,
  // Relative, so that the editor also works below a path of a reverse proxy.
  base: './',
  plugins: [react()],
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    target: 'es2023',
    // One chunk, sent by a server on the same machine: nothing is gained by splitting it.
    chunkSizeWarningLimit: 900,
  },
  server: { proxy: { '/api': { target: server, ws: true } } },
});
