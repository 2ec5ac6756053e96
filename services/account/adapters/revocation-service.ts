import type { RevocationServiceServer } from '../../../gen/threadweaver/account/internal/v1/revocation_service.js';
import type { StreamingHandlers } from '../../../platform/grpc/streaming-service.js';
import { orInvalidRequest, RequestChecks } from '../../../platform/kernel/request-checks.js';
import type { MySqlRevocations } from './mysql-revocations.js';

/** threadweaver.account.internal.v1.RevocationService. @param stopping ends all watches, which are resumed elsewhere */
export function revocationService(
  revocations: MySqlRevocations,
  stopping: AbortSignal,
): StreamingHandlers<RevocationServiceServer> {
  return {
    async watchRevocations({ after }, _context, stream) {
      const checks = new RequestChecks();
      if (!/^\d{0,15}$/.test(after)) checks.add('after', { kind: 'malformed', expected: 'a place of an answer' });
      orInvalidRequest(checks.finish({}));
      const ending = AbortSignal.any([stream.cancelled, stopping]);
      for await (const news of revocations.watch(after === '' ? undefined : Number(after), ending)) {
        const told = news.revocations.map(({ accountId, deviceId, revokedAt }) => ({
          accountId,
          deviceId: deviceId ?? '',
          revokeTime: new Date(revokedAt),
        }));
        if (!stream.write({ place: String(news.place), revocations: told })) await stream.drained(stream.cancelled);
      }
    },
  };
}
