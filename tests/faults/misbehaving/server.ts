/** A server as `npm start` starts it, with the nodes beside this file and model folders of a test. */
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { createServer } from '../../../server/src/create-server.ts';

const projectRoot = resolve(import.meta.dirname, '../../..');
const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    data: { type: 'string', default: '' },
    models: { type: 'string', multiple: true, default: [] },
  },
});
const server = await createServer({
  port: Number(values.port),
  host: '127.0.0.1',
  dataFolder: resolve(values.data),
  uiFolder: join(projectRoot, 'ui', 'dist'),
  workflowsFolder: join(projectRoot, 'workflows'),
  modelRoots: values.models.map((folder) => resolve(folder)),
  nodeModules: [join(import.meta.dirname, 'nodes.ts')],
});
console.log(server.address);
process.once('SIGTERM', () => void server.close().then(() => process.exit(0)));
