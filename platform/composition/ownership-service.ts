import type {
  Member as ProtoMember,
  OwnershipServiceServer,
  Partition,
} from '../../gen/threadweaver/admin/v1/ownership_service.js';
import type { UnaryHandlers } from '../grpc/unary-service.js';
import { aggregateIdOf } from '../journal/aggregate-id.js';
import type { Context } from '../journal/context.js';
import { Fault } from '../kernel/fault.js';
import { orInvalidRequest, RequestChecks } from '../kernel/request-checks.js';
import type { PartitionOwnership } from '../ownership/partition-ownership.js';

/** An id with its type before it; of the first type it is a ULID without one. */
const TYPED_ID = /^([0-9A-Za-z_-]{1,64})=([0-9A-Za-z_-]{1,64})$/;

/** threadweaver.admin.v1.OwnershipService: what this instance knows of who owns what. */
export function ownershipService(
  ownership: PartitionOwnership,
  memory: { readonly size: number },
  context: Pick<Context, 'aggregateTypes'>,
): UnaryHandlers<OwnershipServiceServer> {
  const { membership } = ownership;

  const ownedBy = (id: string): number =>
    membership.assignment?.primaries.filter((primary) => primary === id).length ?? 0;

  const partition = (number: number): Partition => ({
    number,
    owner: membership.assignment?.primaries[number] ?? '',
    standby: membership.assignment?.standbys[number] ?? '',
  });

  const members = (): ProtoMember[] =>
    membership.members
      .map(({ id, address, startedAt }) => ({
        id,
        address,
        startTime: new Date(startedAt),
        ownedPartitions: ownedBy(id),
      }))
      .sort((a, b) => (a.id < b.id ? -1 : 1));

  return {
    async getOwnership() {
      return {
        self: membership.self,
        current: membership.isCurrent(),
        members: members(),
        partitions: Array.from({ length: ownership.partitions }, (_, number) => partition(number)),
        moves: BigInt(ownership.moves),
        aggregatesInMemory: BigInt(memory.size),
      };
    },

    async which({ threadId }) {
      const found = partition(ownership.partitionOf(idOf(threadId, context)));
      const owner = members().find((member) => member.id === found.owner);
      if (owner === undefined) throw new Fault('unavailable', 'NO_OWNER', 'no member owns the partition at present');
      return { partition: found, owner };
    },
  };
}

/** @throws InvalidRequest that is no id of an aggregate of the context */
function idOf(text: string, context: Pick<Context, 'aggregateTypes'>): string {
  const checks = new RequestChecks();
  const [, type, id] = TYPED_ID.exec(text) ?? [];
  if (type === undefined || id === undefined) return orInvalidRequest(checks.finish(checks.ulid('threadId', text)));
  if (context.aggregateTypes.includes(type)) return aggregateIdOf(context, type, id);
  const expected = `the id of ${context.aggregateTypes.map((known) => `${known}=…`).join(' or ')}`;
  checks.add('threadId', { kind: 'malformed', expected });
  return orInvalidRequest(checks.finish(text));
}
