/**
 * A runner for tests that computes nothing: the workflow's name says how it behaves.
 * `ok` finishes; `slow` steps until cancelled; `hang` blocks its event loop for ever; `die` kills itself in
 * the middle; `spent` finishes and must not be given another run; `warn` says that a result was not kept and finishes; `exit` ends with code 7; `garbage` sends what nobody can read.
 */
import { type LiveRequest, parseToRunner } from '@reelgraph/protocol';

let seq = 0;
let isHanging = false;
let played = 0;
let slowTimer: ReturnType<typeof setInterval> | undefined;

function emit(runId: string, body: Record<string, unknown>): void {
  seq += 1;
  process.send?.({ type: 'event', event: { runId, seq, atMs: Date.now(), ...body } });
}

function begin(runId: string): void {
  seq = 0;
  emit(runId, { type: 'run.started', nodeIds: ['work'] });
  emit(runId, { type: 'node.started', nodeId: 'work' });
}

function finish(runId: string, status: string): void {
  emit(runId, { type: 'run.finished', status, durationMs: 1 });
}

/** A node that is played shows one pixel, red as many actions as there were; `die` ends the process. */
function playAlong(request: LiveRequest): void {
  const { liveId } = request;
  const frame = { widthPx: 1, heightPx: 1, data: Buffer.from([played, 0, 0]).toString('base64') };
  if (request.type === 'live.open') {
    played = 0;
    process.send?.({ type: 'live.opened', liveId, frame });
  }
  if (request.type !== 'live.act') return;
  if (request.action === 'die') process.kill(process.pid, 'SIGKILL');
  played += 1;
  process.send?.({ type: 'live.frame', liveId, index: played, action: request.action, frame, modelMs: 1 });
}

process.on('message', (value: unknown) => {
  const message = parseToRunner(value);
  if (message.type === 'shutdown') process.exit(0);
  if (message.type !== 'run' && message.type !== 'cancel') {
    playAlong(message);
    return;
  }
  const { runId } = message;
  if (message.type === 'cancel') {
    if (isHanging) return;
    clearInterval(slowTimer);
    finish(runId, 'cancelled');
    return;
  }
  begin(runId);
  switch (message.workflow.name) {
    case 'slow': {
      let step = 0;
      slowTimer = setInterval(() => {
        step += 1;
        emit(runId, { type: 'node.progress', nodeId: 'work', step, totalSteps: 1000 });
        process.send?.({
          type: 'preview',
          preview: {
            runId,
            nodeId: 'work',
            step,
            mediaType: 'image/png',
            frameCount: 1,
            widthPx: 1,
            heightPx: 1,
            fps: 8,
            data: '',
          },
        });
      }, 10);
      return;
    }
    case 'hang':
      isHanging = true;
      // Lets the events above leave the process first.
      setTimeout(() => {
        for (;;);
      }, 50);
      return;
    case 'die':
      setTimeout(() => process.kill(process.pid, 'SIGKILL'), 20);
      return;
    case 'exit':
      setTimeout(() => process.exit(7), 20);
      return;
    case 'spent':
      process.send?.({ type: 'spent' });
      finish(runId, 'cancelled');
      return;
    case 'garbage':
      process.send?.({ type: 'event', event: { type: 'nonsense' } });
      return;
    case 'warn':
      process.send?.({
        type: 'warning',
        runId,
        nodeId: 'work',
        problem: { code: 'store/disk-full', message: 'The disk is full.' },
      });
      finish(runId, 'succeeded');
      return;
    default:
      emit(runId, { type: 'node.finished', nodeId: 'work', durationMs: 1, outputs: {} });
      finish(runId, 'succeeded');
  }
});
process.on('disconnect', () => process.exit(0));
process.send?.({ type: 'ready' });
