/**
 * Who may talk to this server. A browser lets any page send requests to 127.0.0.1, and a hostile name server
 * can make its own name mean 127.0.0.1, so both the name asked for (Host) and the page that asks (Origin) are
 * held against a list, on HTTP and on the upgrade to a WebSocket alike.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { HttpError } from './http-error.ts';

const loopbackNames = new Set(['127.0.0.1', 'localhost', '[::1]']);
const cookieName = 'reelgraph_token';
const apiPrefix = '/api/';

export interface GuardOptions {
  /** Whoever knows it may come under any host name; without one only loopback names are served. */
  readonly token: string | undefined;
  /** The address listened on; the whole of 127.0.0.0/8 is this machine. */
  readonly host?: string;
}

export interface Guard {
  /** @throws HttpError 401 | 403 */
  checkRequest(request: IncomingMessage): void;
  /** As `checkRequest`, and the page's Origin must be present: every browser sends it on an upgrade. @throws HttpError */
  checkUpgrade(request: IncomingMessage): void;
  /** The Set-Cookie header that lets a browser in which opened `/?token=…`; undefined when the token is not right. */
  cookieFor(request: IncomingMessage): string | undefined;
}

/** Whether an address to listen on is reachable from this machine only. */
export function isLoopbackHost(host: string): boolean {
  return loopbackNames.has(host) || loopbackNames.has(`[${host}]`) || /^127(\.\d{1,3}){3}$/.test(host);
}

export function createGuard({ token, host: ownHost }: GuardOptions): Guard {
  const ownNames = new Set(loopbackNames);
  if (ownHost !== undefined && isLoopbackHost(ownHost)) ownNames.add(ownHost);

  function checkHost(request: IncomingMessage): string {
    const host = request.headers.host ?? '';
    const name = host.replace(/:\d+$/, '').toLowerCase();
    if (host === '' || (token === undefined && !ownNames.has(name))) {
      throw new HttpError(403, 'http/forbidden-host', 'This server answers only to its own name.', {
        hint: 'Open it as http://127.0.0.1 with its port.',
      });
    }
    return host.toLowerCase();
  }

  function checkOrigin(request: IncomingMessage, host: string): void {
    const origin = request.headers.origin;
    if (origin === undefined) {
      if (isForeignFetch(request)) throw foreignPage();
      return;
    }
    const url = URL.parse(origin);
    if (
      url === null ||
      (url.protocol !== 'http:' && url.protocol !== 'https:') ||
      url.host !== hostOf(host, url.protocol)
    ) {
      throw foreignPage();
    }
  }

  function checkToken(request: IncomingMessage): void {
    if (token === undefined || presentedTokens(request).some((candidate) => sameText(candidate, token)))
      return;
    throw new HttpError(401, 'http/unauthorized', 'This server wants its token.', {
      hint: 'Open its address with ?token=… once, or send it as "Authorization: Bearer …".',
      headers: { 'www-authenticate': 'Bearer' },
    });
  }

  function checkRequest(request: IncomingMessage): void {
    const host = checkHost(request);
    checkOrigin(request, host);
    checkToken(request);
  }

  return {
    checkRequest,
    checkUpgrade(request) {
      if (request.headers.origin === undefined) {
        throw new HttpError(
          403,
          'http/missing-origin',
          'A WebSocket needs an Origin header that equals the server’s own address.',
        );
      }
      checkRequest(request);
    },
    cookieFor(request) {
      const offered = queryToken(request);
      if (token === undefined || offered === undefined || !sameText(offered, token)) return undefined;
      return `${cookieName}=${encodeURIComponent(token)}; Path=/; HttpOnly; SameSite=Strict`;
    },
  };
}

function foreignPage(): HttpError {
  return new HttpError(403, 'http/foreign-origin', 'A page of another site may not use this server.');
}

/** `url.host` leaves the default port out; a Host header may name it. */
function hostOf(host: string, protocol: string): string {
  return protocol === 'https:' ? host.replace(/:443$/, '') : host.replace(/:80$/, '');
}

/** A request another site's page caused, except following a link to the editor, which is harmless. */
function isForeignFetch(request: IncomingMessage): boolean {
  const site = request.headers['sec-fetch-site'];
  if (site === undefined || site === 'same-origin' || site === 'none') return false;
  const isLink =
    request.method === 'GET' &&
    request.headers['sec-fetch-mode'] === 'navigate' &&
    request.headers['sec-fetch-dest'] === 'document' &&
    !(request.url ?? '').startsWith(apiPrefix);
  return !isLink;
}

function queryToken(request: IncomingMessage): string | undefined {
  return URL.parse(request.url ?? '', 'http://host')?.searchParams.get('token') ?? undefined;
}

function presentedTokens(request: IncomingMessage): string[] {
  const bearer = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1];
  const cookie = (request.headers.cookie ?? '')
    .split(';')
    .map((pair) => pair.trim())
    .find((pair) => pair.startsWith(`${cookieName}=`))
    ?.slice(cookieName.length + 1);
  return [bearer, cookie === undefined ? undefined : decodeCookie(cookie), queryToken(request)].filter(
    (candidate) => candidate !== undefined,
  );
}

function decodeCookie(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

/** Compares digests, so neither length nor common prefix shows in the time it takes. */
function sameText(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
