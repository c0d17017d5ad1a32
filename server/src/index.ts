export { createServer, type RunningServer, type ServerOptions } from './create-server.ts';
