import { hostname } from 'node:os';
import { OwnershipServiceService } from '../../gen/threadweaver/admin/v1/ownership_service.js';
import { GrpcServer } from '../grpc/grpc-server.js';
import { bindUnaryService, type BoundService } from '../grpc/unary-service.js';
import type { Context } from '../journal/context.js';
import { WriteProbe } from '../nats/write-probe.js';
import { processSlotOf } from '../process/process-slot.js';
import { natsWritableMetric } from './backend-metrics.js';
import { CommandNode } from './command-node.js';
import type { CommandSettings } from './command-settings.js';
import { openAccessControl } from './open-access-control.js';
import { ownershipService } from './ownership-service.js';
import { runProcess } from './run-process.js';

/**
 * Runs the process that carries out a context's commands, one instance of perhaps several.
 *
 * @param compose hosts each type of the context's aggregates and binds the services that commands come by
 */
export function runCommands(
  context: Context,
  settings: CommandSettings,
  compose: (node: CommandNode) => Promise<readonly BoundService[]>,
): void {
  const { drainTimeoutMs } = settings;
  runProcess({ name: `${context.name}-command`, settings, drainTimeoutMs }, async (logger, metrics) => {
    const node = await CommandNode.open(context, settings, logger, metrics);
    const { link, membership, installation } = node;
    const services = await compose(node);
    await node.listen();
    const probe = new WriteProbe(link, { prefix: context.prefix, replicas: settings.natsReplicas, logger });
    natsWritableMetric(metrics, probe);
    const server = new GrpcServer({
      host: settings.grpcHost,
      port: settings.grpcPort,
      // Health may be watched for longer than a connection lasts; commands have a deadline each.
      connectionGraceMs: Infinity,
      limits: settings.limits,
      access: openAccessControl(settings.auth, { rules: context.access, ...node.calls }),
      services,
    });
    await server.start();
    const admin = await serveOperators(node, settings);
    await membership.join(`${hostname()}:${server.port}`, await processSlotOf(settings.grpcHost, server.port));
    // Maintenance that began before we were announced has not seen us; now we see it.
    await installation.agree(settings.installation);
    const tellHealth = (): void => server.setServing(link.isConnected && probe.isWritable);
    link.onStatus(tellHealth);
    probe.onChange(tellHealth);
    probe.start();
    // It may have been lost meanwhile.
    tellHealth();
    logger.info({ port: server.port }, 'listening');

    return {
      async drain() {
        await node.leave();
        await server.drain({ noticeMs: settings.drainNoticeMs, timeoutMs: drainTimeoutMs / 2 });
        await node.finish(drainTimeoutMs / 4);
        probe.close();
        await admin?.drain({ noticeMs: 0, timeoutMs: 1_000 });
        await node.close();
      },
    };
  });
}

/** For operators only, so on an address that no client reaches: no route of the edge leads there. */
async function serveOperators(
  { context, ownership, host, calls }: CommandNode,
  { adminHost, adminPort }: CommandSettings,
): Promise<GrpcServer | undefined> {
  if (adminPort === 0) return undefined;
  const services = [bindUnaryService(OwnershipServiceService, ownershipService(ownership, host, context), calls)];
  const server = new GrpcServer({ host: adminHost, port: adminPort, services });
  await server.start();
  return server;
}
