export {
  type Bytes,
  type CallOptions,
  type CallRequest,
  type ClientOptions,
  createClient,
  type InputValues,
  type ReelgraphClient,
  type StartRunOptions,
} from './client.ts';
export { ApiError } from './errors.ts';
export type {
  ConnectEventsOptions,
  ConnectionStatus,
  EventConnection,
  StreamedEvent,
  Welcome,
} from './events.ts';
export type { LiveSession, OpenLiveOptions, PlayedFrame } from './live.ts';
