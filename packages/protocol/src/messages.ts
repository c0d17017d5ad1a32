/**
 * Text and values on the wire to typed messages and back. Every message is parsed once, here, so code behind
 * this line never meets an unknown shape.
 */
import { z } from 'zod';
import { ProtocolError } from './errors.ts';
import {
  type ClientMessage,
  clientMessageSchema,
  type ServerMessage,
  serverMessageSchema,
} from './events.ts';
import { protocolVersion } from './http.ts';
import { type FromRunner, fromRunnerSchema, type ToRunner, toRunnerSchema } from './runner.ts';

function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ProtocolError('protocol/not-json', `${what} is not JSON.`, [], { cause });
  }
}

function parseAs<S extends z.ZodType>(schema: S, value: unknown, what: string): z.output<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const place = (issue?.path ?? []).map((key) => (typeof key === 'symbol' ? String(key) : key));
  const where = place.length > 0 ? ` at ${place.join('.')}` : '';
  throw new ProtocolError(
    'protocol/invalid-message',
    `${what} does not fit${where}: ${issue?.message ?? 'unknown shape'}.`,
    place,
    {
      cause: parsed.error,
    },
  );
}

/** The version in a first message; read before the rest, which another version writes in another way. */
const greetingSchema = z.object({ type: z.enum(['hello', 'welcome']), protocol: z.number().int() });

function requireSameVersion(value: unknown): void {
  const greeting = greetingSchema.safeParse(value).data;
  if (greeting === undefined || greeting.protocol === protocolVersion) return;
  const [server, client] =
    greeting.type === 'hello' ? [protocolVersion, greeting.protocol] : [greeting.protocol, protocolVersion];
  throw new ProtocolError(
    'protocol/version-mismatch',
    `This server speaks protocol ${server}, the client ${client}. Reload the page, or update the older one.`,
    ['protocol'],
  );
}

/** A client's WebSocket text. @throws ProtocolError, 'protocol/version-mismatch' for the hello of another version */
export function parseClientMessage(text: string): ClientMessage {
  const value = parseJson(text, 'The message');
  requireSameVersion(value);
  return parseAs(clientMessageSchema, value, 'The message');
}

/** A server's WebSocket text. @throws ProtocolError, 'protocol/version-mismatch' for the welcome of another version */
export function parseServerMessage(text: string): ServerMessage {
  const value = parseJson(text, 'The message');
  requireSameVersion(value);
  return parseAs(serverMessageSchema, value, 'The message');
}

/** Text of a client's message. */
export function encodeClientMessage(message: ClientMessage): string {
  return JSON.stringify(message);
}

/** Text of a server's message. */
export function encodeServerMessage(message: ServerMessage): string {
  return JSON.stringify(message);
}

/** What a runner received over IPC. @throws ProtocolError */
export function parseToRunner(value: unknown): ToRunner {
  return parseAs(toRunnerSchema, value, 'The message to the runner');
}

/** What the server received from its runner over IPC. @throws ProtocolError */
export function parseFromRunner(value: unknown): FromRunner {
  return parseAs(fromRunnerSchema, value, 'The message from the runner');
}
