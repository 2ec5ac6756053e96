import { platformAccessRules } from '../platform/grpc/access-control.js';
import type { AccessRules } from '../platform/kernel/access-rules.js';
import { accountAccessRules } from './account/access-rules.js';
import { threadAccessRules } from './thread/events/access-rules.js';

/**
 * Who may call what of the whole mesh: Envoy's and Istio's rules are made of it, and one test (mesh/access) replays it against
 * the services, Envoy and Istio. Each service refuses to start without a rule for each of its methods. A new context's rules
 * come in here.
 */
export const accessRules: AccessRules = { ...platformAccessRules, ...threadAccessRules, ...accountAccessRules };
