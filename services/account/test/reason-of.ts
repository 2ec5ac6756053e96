import { status, type ServiceError } from '@grpc/grpc-js';
import { errorDetails } from '../../../platform/testing/error-info.js';

/** What a call is refused by: `STATUS REASON`, or `STATUS` and the fields that are wrong; `OK` when it is not. */
export async function reasonOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return 'OK';
  } catch (error) {
    const { reason, fields } = errorDetails(error as ServiceError);
    return [status[(error as ServiceError).code], reason ?? fields.join(' ')].join(' ');
  }
}
