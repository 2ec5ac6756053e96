import type { ProjectionDeclaration } from '../../mysql/projection-declaration.js';
import { shopContext } from './context.js';

/** State of each order, and what is free of each article; added up, so that a commit that is applied twice shows. */
export const shopView: ProjectionDeclaration = {
  name: 'shop_view',
  tables: ['shop_view'],
  migrations: [
    {
      name: '0001-shop-view',
      up: async (knex) => {
        await knex.raw('CREATE TABLE shop_view (id VARCHAR(64) PRIMARY KEY, version INT, state VARCHAR(32), free INT)');
      },
      down: (knex) => knex.schema.dropTable('shop_view'),
    },
  ],
  explained: {
    tables: { shop_view: { key: ['id'], effectOf: () => ['version', 'state', 'free'] } },
    callerOf: () => undefined,
  },
  rows: {
    versionsStatement: 'SELECT id, version FROM shop_view WHERE id IN (?)',
    async apply(transaction, commits) {
      for (const { aggregateId, version, events } of commits) {
        let [state, free] = ['', 0];
        for (const recorded of events) {
          const event = shopContext.codec.decode(recorded);
          if (event.type === 'StockReserved') free -= event.amount;
          else if (event.type === 'StockAdded' || event.type === 'ReservationReleased') free += event.amount;
          state = event.type;
        }
        await transaction.run(
          `INSERT INTO shop_view VALUES (?, ?, ?, ?) ON DUPLICATE KEY
          UPDATE version = VALUES(version), state = VALUES(state), free = free + VALUES(free)`,
          [aggregateId, version, state, free],
        );
      }
    },
  },
};
