export {
  type Bytes,
  type CallOptions,
  type CallRequest,
  type ClientOptions,
  createClient,
  type ReelgraphClient,
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
