/**
 * The log: JSON lines on stderr. From `info` up a line holds ids, codes, counts and times, so that a log can be handed
 * on; what people wrote (prompts, titles, messages about them) is in no line above `debug`.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { type DestinationStream, type Logger, pino } from 'pino';

export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

/** The request on whose behalf something happens; every line logged meanwhile carries its id. */
export const requestScope = new AsyncLocalStorage<{ readonly requestId: string }>();

/** No line here names them; should one ever hold a request, it holds none of its secrets. */
const secrets = ['token', 'authorization', 'cookie', 'set-cookie'];

/** The level with this name; undefined when there is none. */
export function parseLogLevel(name: string): LogLevel | undefined {
  return logLevels.find((level) => level === name);
}

/** A log of what is at least as grave as `level`. Lines are written before the call returns, also the last ones. */
export function createLog(level: LogLevel, destination: DestinationStream = pino.destination(2)): Logger {
  return pino(
    {
      level,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      base: { pid: process.pid },
      redact: secrets.flatMap((name) => [`["${name}"]`, `*["${name}"]`, `*.*["${name}"]`]),
      mixin: () => ({ ...requestScope.getStore() }),
    },
    destination,
  );
}
