import { setLogger } from '@grpc/grpc-js';
import type { Logger } from '../telemetry/logger.js';

/** What grpc-js says of a header that it does not take; its value follows, be it a cookie or a token. */
const refusedHeader = /^Failed to add metadata entry ([^:]{1,100}):/;
const MAX_CHARACTERS = 500;

/**
 * Brings what grpc-js has to say, and would print, into this process's log. Of a client's header only the name is kept:
 * values may be secrets.
 */
export function logGrpcLibrary(logger: Logger): void {
  const tell =
    (level: 'warn' | 'debug') =>
    (text: unknown): void => {
      const header = refusedHeader.exec(String(text))?.[1];
      // Any client can cause it, with each call.
      if (header !== undefined) logger.debug({ header }, 'a header that gRPC does not take is passed over');
      else logger[level]({ library: 'grpc-js', text: String(text).slice(0, MAX_CHARACTERS) }, 'grpc-js says');
    };
  setLogger({ error: tell('warn'), info: tell('debug'), debug: tell('debug') });
}
