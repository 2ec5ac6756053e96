import { type Metadata, ServerInterceptingCall, status, type ServerInterceptor } from '@grpc/grpc-js';
import { refusal, type TokenVerifier, type VerifiedToken } from '../identity/token-verifier.js';
import { SERVICE_PREFIX } from '../identity/token.js';
import { traceContextFrom, traceIdOf } from '../journal/trace-context.js';
import { rulesOf, type AccessRule, type AccessRules } from '../kernel/access-rules.js';
import { Fault, toError } from '../kernel/fault.js';
import { snakeCasePath } from '../kernel/field-violation.js';
import type { Principal } from '../kernel/principal.js';
import type { Logger } from '../telemetry/logger.js';
import { identifyCaller, type CallObserver, type ObserveCalls } from './call-context.js';
import { toServiceError } from './statuses.js';
import { tokenIsOver, whenTokenIsOver } from './token-end.js';
import { UndecodableRequest } from './strict-decoding.js';

/** Names the account for which a service calls, where the request has no field for it. Nobody else may send it. */
export const ACTING_FOR_HEADER = 'x-acting-for';

/** A stream's handler ends it when the token does, and says where to go on; one that has not after so long is ended here. */
const STREAM_GRACE_MS = 5_000;

/** Of what every process serves. Reflection describes all of the API, and goes on for as long as its caller likes. */
export const platformAccessRules: AccessRules = {
  ...rulesOf('grpc.health.v1.Health', ['Check', 'List', 'Watch'], { who: 'anybody' }),
  ...rulesOf('grpc.reflection.v1.ServerReflection', ['ServerReflectionInfo'], { who: 'known' }),
  ...rulesOf('grpc.reflection.v1alpha.ServerReflection', ['ServerReflectionInfo'], { who: 'known' }),
  ...rulesOf('threadweaver.admin.v1.OwnershipService', ['GetOwnership', 'Which'], { who: 'operator' }),
};

export interface AccessControlOptions {
  /** Of the service's own methods. @default it has none */
  readonly rules?: AccessRules | undefined;
  readonly verifier: TokenVerifier;
  readonly logger: Logger;
  /** Measures calls that are refused; the others are measured where they are handled. @default nobody */
  readonly observe?: ObserveCalls | undefined;
}

/**
 * The one place where a service decides who may call what: before a request is read it looks at the token, and before the
 * request is handled at whom that acts for.
 */
export class AccessControl {
  readonly #rules: AccessRules;
  readonly #observers = new Map<string, CallObserver>();

  constructor(private readonly options: AccessControlOptions) {
    this.#rules = { ...platformAccessRules, ...options.rules };
  }

  /** @throws Error naming methods of which nobody has said who may call them, and those that are for operators only */
  requireRules(paths: readonly string[]): void {
    const without = paths.filter((path) => (this.#rules[path]?.who ?? 'operator') === 'operator');
    if (without.length > 0) throw new Error(`no rule lets anybody call ${without.join(', ')}`);
  }

  readonly interceptor: ServerInterceptor = ({ path, requestStream, responseStream }, call) => {
    const rule = this.#rules[path];
    if (rule === undefined) throw new Error(`no rule for ${path}`);
    if (rule.who === 'anybody') return new ServerInterceptingCall(call);
    const startedAt = performance.now();
    let caller: Caller | undefined;
    let headers: Metadata | undefined;
    let forgetToken = (): void => undefined;
    const refuse = (thrown: unknown): void => {
      const error = toError(thrown);
      const serviceError = toServiceError(error);
      const { code, details, metadata } = serviceError;
      call.sendStatus({ code, details, metadata });
      const kind = responseStream
        ? requestStream
          ? 'bidi_stream'
          : 'server_stream'
        : requestStream
          ? 'client_stream'
          : 'unary';
      this.#observer(path, kind)?.(code, (performance.now() - startedAt) / 1_000);
      const trace = traceContextFrom(textOf(headers, 'x-request-id'), textOf(headers, 'traceparent'));
      this.options.logger.info(
        {
          ...{ method: path, code: status[code], request_id: trace.requestId, trace_id: traceIdOf(trace) },
          ...{ subject: caller?.subject, reason: error.message },
        },
        'call refused',
      );
    };
    return new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata: (metadata, pass) => {
            headers = metadata;
            const admit = (token: VerifiedToken): void => {
              caller = callerOf(token, rule, metadata);
              identifyCaller(metadata, caller);
              if (responseStream) forgetToken = whenTokenIsOver(caller, () => refuse(tokenIsOver()), STREAM_GRACE_MS);
              pass(metadata);
            };
            try {
              const verified = this.options.verifier.verify(tokenIn(metadata));
              if (!(verified instanceof Promise)) return admit(verified);
              verified.then(admit).catch(refuse);
            } catch (error) {
              refuse(error);
            }
          },
          onReceiveMessage: (message: unknown, pass) => {
            if (rule.who !== 'account' || message instanceof UndecodableRequest) return pass(message);
            try {
              if (caller !== undefined) checkAccount(caller, message, rule.field);
              pass(message);
            } catch (error) {
              refuse(error);
            }
          },
          onCancel: () => forgetToken(),
        }),
      sendStatus: (sent, pass) => {
        forgetToken();
        pass(sent);
      },
    });
  };

  #observer(path: string, kind: Parameters<ObserveCalls>[1]): CallObserver | undefined {
    const observer = this.#observers.get(path) ?? this.options.observe?.(path, kind);
    if (observer !== undefined) this.#observers.set(path, observer);
    return observer;
  }
}

/** A principal to which the request adds whom it acts for. */
type Caller = { -readonly [Key in keyof Principal]: Principal[Key] };

/** @throws Fault kind `unauthenticated` */
function tokenIn(metadata: Metadata): string {
  const values = metadata.get('authorization');
  if (values.length === 0) throw refusal('TOKEN_MISSING', 'a token is needed');
  // Older clients send it without `Bearer`.
  const [, token] = /^(?:bearer +)?([\w.~+/=-]+)$/i.exec(String(values[0])) ?? [];
  if (values.length > 1 || token === undefined) {
    throw refusal('TOKEN_INVALID', 'the header authorization must be one token, with Bearer before it');
  }
  return token;
}

/** @throws Fault kind `permission-denied` */
function callerOf({ subject, roles, expiresAt }: VerifiedToken, rule: AccessRule, metadata: Metadata): Caller {
  const actingFor = textOf(metadata, ACTING_FOR_HEADER)?.toUpperCase();
  const isService = roles.includes('service');
  if (actingFor !== undefined && !isService && actingFor !== subject) {
    throw new Fault('permission-denied', 'ACTS_FOR_ANOTHER', 'only services may act for others');
  }
  const needed = rule.who === 'administrator' || rule.who === 'service' ? rule.who : undefined;
  if (needed !== undefined && !roles.includes(needed)) {
    throw new Fault('permission-denied', 'ROLE_NEEDED', `only for the role ${needed}`);
  }
  return { subject, roles, expiresAt, onBehalfOf: isService ? actingFor : undefined };
}

/** @throws Fault kind `permission-denied` */
function checkAccount(caller: Caller, message: unknown, field: string): void {
  const named = (message as Readonly<Record<string, unknown>>)[field];
  // Ids mean the same in lower case.
  const account = typeof named === 'string' ? named.toUpperCase() : undefined;
  const isService = caller.subject?.startsWith(SERVICE_PREFIX) === true;
  const allowed = isService ? caller.onBehalfOf : caller.subject;
  if (isService && allowed === undefined) caller.onBehalfOf = account;
  else if (account !== allowed) {
    const whose = isService ? `the one that ${ACTING_FOR_HEADER} names` : "the token's subject";
    const message = `${snakeCasePath(field)} must be ${whose}`;
    throw new Fault('permission-denied', 'ACTS_FOR_ANOTHER', message);
  }
}

function textOf(metadata: Metadata | undefined, name: string): string | undefined {
  const [value] = metadata?.get(name) ?? [];
  return value === undefined ? undefined : String(value);
}
