import { ThreadQueryServiceService as LegacyThreadQueryService } from '../../gen/thread/thread_services.js';
import { ThreadRestQueryServiceService } from '../../gen/threadweaver/legacy/thread/v1/thread_rest_query_service.js';
import { ThreadQueryServiceService } from '../../gen/threadweaver/thread/v1/thread_query_service.js';
import { bindUnaryService } from '../../shared/adapters/grpc/unary-service.js';
import { inLegacyWords } from '../../shared/adapters/legacy/legacy-texts.js';
import type { Logger } from '../../shared/adapters/telemetry/logger.js';
import { legacyGrpcService } from './legacy-grpc-service.js';
import { legacyRestService, legacyRestWording } from './legacy-rest-service.js';
import type { MySqlThreadReader } from './mysql-thread-reader.js';
import { threadQueryService } from './thread-query-service.js';

/** Every gRPC service of this process: the present one, and the older gRPC and REST contracts. */
export function threadQueryServices(reader: MySqlThreadReader, logger: Logger) {
  return [
    bindUnaryService(ThreadQueryServiceService, threadQueryService(reader), { logger }),
    bindUnaryService(LegacyThreadQueryService, legacyGrpcService(reader), { logger }),
    bindUnaryService(ThreadRestQueryServiceService, legacyRestService(reader), {
      logger,
      rephrase: (error) => inLegacyWords(error, legacyRestWording),
    }),
  ];
}
