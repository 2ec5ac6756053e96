import { ThreadCommandServiceService as LegacyThreadCommandService } from '../../../../gen/thread/thread_services.js';
import { ThreadRestCommandServiceService } from '../../../../gen/threadweaver/legacy/thread/v1/thread_rest_command_service.js';
import { ThreadCommandServiceService } from '../../../../gen/threadweaver/thread/v1/thread_command_service.js';
import { inLegacyWords } from '../../../../platform/grpc/legacy-texts.js';
import {
  bindUnaryService,
  type BoundService,
  type UnaryServiceOptions,
} from '../../../../platform/grpc/unary-service.js';
import type { ThreadCommandHandler } from '../runtime/thread-command-handler.js';
import { legacyGrpcService } from './legacy-grpc-service.js';
import { legacyRestService, legacyRestWording } from './legacy-rest-service.js';
import { maxEntries } from './request-parsing.js';
import { threadCommandService } from './thread-command-service.js';

/** All that thread-command serves: the new API, and the older ones in their own words. */
export function bindCommandServices(handler: ThreadCommandHandler, options: UnaryServiceOptions): BoundService[] {
  const calls = { ...options, decodeBounds: { entriesOf: maxEntries } };
  return [
    bindUnaryService(ThreadCommandServiceService, threadCommandService(handler), calls),
    bindUnaryService(LegacyThreadCommandService, legacyGrpcService(handler), calls),
    bindUnaryService(ThreadRestCommandServiceService, legacyRestService(handler), {
      ...calls,
      rephrase: (error) => inLegacyWords(error, legacyRestWording),
    }),
  ];
}
