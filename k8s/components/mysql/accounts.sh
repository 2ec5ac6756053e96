#!/bin/bash
# Rendered from mesh/rights by `npm run gen`. Run once, when the data directory is made; to be run again by hand after a
# change (docs/operations.md): what is there gets these passwords and rights.
MYSQL_PWD="$MYSQL_ROOT_PASSWORD" mysql --user=root <<SQL
REVOKE ALL PRIVILEGES, GRANT OPTION FROM 'threadweaver'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, ALTER, INDEX, LOCK TABLES ON \`threadweaver\`.* TO 'threadweaver'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, ALTER, INDEX, LOCK TABLES ON \`threadweaver\\_\\_rebuild\`.* TO 'threadweaver'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, ALTER, INDEX, LOCK TABLES ON \`threadweaver\\_\\_replaced\`.* TO 'threadweaver'@'%';
CREATE USER IF NOT EXISTS 'thread_migrate'@'%' IDENTIFIED BY '$THREAD_MIGRATE_PASSWORD';
ALTER USER 'thread_migrate'@'%' IDENTIFIED BY '$THREAD_MIGRATE_PASSWORD';
REVOKE ALL PRIVILEGES, GRANT OPTION FROM 'thread_migrate'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, ALTER, INDEX, LOCK TABLES ON \`threadweaver\`.* TO 'thread_migrate'@'%';
CREATE USER IF NOT EXISTS 'thread_query'@'%' IDENTIFIED BY '$THREAD_QUERY_PASSWORD';
ALTER USER 'thread_query'@'%' IDENTIFIED BY '$THREAD_QUERY_PASSWORD';
REVOKE ALL PRIVILEGES, GRANT OPTION FROM 'thread_query'@'%';
GRANT SELECT ON \`threadweaver\`.* TO 'thread_query'@'%';
CREATE USER IF NOT EXISTS 'thread_projector'@'%' IDENTIFIED BY '$THREAD_PROJECTOR_PASSWORD';
ALTER USER 'thread_projector'@'%' IDENTIFIED BY '$THREAD_PROJECTOR_PASSWORD';
REVOKE ALL PRIVILEGES, GRANT OPTION FROM 'thread_projector'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON \`threadweaver\`.* TO 'thread_projector'@'%';
CREATE USER IF NOT EXISTS 'account_migrate'@'%' IDENTIFIED BY '$ACCOUNT_MIGRATE_PASSWORD';
ALTER USER 'account_migrate'@'%' IDENTIFIED BY '$ACCOUNT_MIGRATE_PASSWORD';
REVOKE ALL PRIVILEGES, GRANT OPTION FROM 'account_migrate'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, ALTER, INDEX, LOCK TABLES, REFERENCES ON \`threadweaver\\_account\`.* TO 'account_migrate'@'%';
CREATE USER IF NOT EXISTS 'account'@'%' IDENTIFIED BY '$ACCOUNT_PASSWORD';
ALTER USER 'account'@'%' IDENTIFIED BY '$ACCOUNT_PASSWORD';
REVOKE ALL PRIVILEGES, GRANT OPTION FROM 'account'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON \`threadweaver\\_account\`.* TO 'account'@'%';
SQL
