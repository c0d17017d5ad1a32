/** Entry of the media worker. */
import { parentPort } from 'node:worker_threads';
import { handleMediaRequest, type MediaRequest } from './media-requests.ts';

parentPort?.on('message', (request: MediaRequest) => {
  void handleMediaRequest(request).then((answer) => parentPort?.postMessage(answer));
});
