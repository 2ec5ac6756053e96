import { AccountServiceService } from '../../../gen/threadweaver/account/v1/account_service.js';
import { RevocationServiceService } from '../../../gen/threadweaver/account/internal/v1/revocation_service.js';
import { AccountRestServiceService } from '../../../gen/threadweaver/legacy/account/v1/account_rest_service.js';
import type { ObserveCalls } from '../../../platform/grpc/call-context.js';
import { bindStreamingService } from '../../../platform/grpc/streaming-service.js';
import { takingTurns } from '../../../platform/grpc/taking-turns.js';
import { bindUnaryService, type BoundService } from '../../../platform/grpc/unary-service.js';
import type { FairQueue } from '../../../platform/process/fair-queue.js';
import type { Logger } from '../../../platform/telemetry/logger.js';
import { accountLookups, MAX_IDS } from './account-lookups.js';
import { accountService } from './account-service.js';
import type { AccountServices } from './account-services.js';
import { inLegacyAccountWords, legacyAccountLookups, legacyAccountService, MAX_USERS } from './legacy-rest-service.js';
import type { MySqlRevocations } from './mysql-revocations.js';
import { revocationService } from './revocation-service.js';

/** What is bound besides. */
export interface BoundAccountServices extends AccountServices {
  readonly revocations: MySqlRevocations;
  /** Ends all watches. */
  readonly stopping: AbortSignal;
  /** Has clients take turns at look-ups. What hashes passwords has turns of its own, for which no look-up should wait. */
  readonly turns: FairQueue;
  readonly logger: Logger;
  /** Measures calls. @default nobody */
  readonly observe?: ObserveCalls;
}

/** 1,000 ids are some 29 KiB as JSON; nobody needs more, and what is too long gets an answer that says so. */
export const MAX_REQUEST_BYTES = 4 * 1024 * 1024;

/** All that the account service serves: the new API, and the older one in its own words. */
export function bindAccountServices(services: BoundAccountServices): BoundService[] {
  const { revocations, stopping, turns, logger, observe } = services;
  const calls = {
    logger,
    observe,
    decodeBounds: { entriesOf: { accountIds: MAX_IDS, userIds: MAX_USERS } },
  };
  const lookups = takingTurns(accountLookups(services), turns);
  const legacyLookups = takingTurns(legacyAccountLookups(services), turns);
  return [
    bindUnaryService(AccountServiceService, { ...accountService(services), ...lookups }, calls),
    bindUnaryService(
      AccountRestServiceService,
      { ...legacyAccountService(services), ...legacyLookups },
      { ...calls, rephrase: inLegacyAccountWords },
    ),
    bindStreamingService(RevocationServiceService, revocationService(revocations, stopping), calls),
  ];
}
