/** A user of a nats-server. */
export interface NatsUser {
  readonly user: string;
  /** @default everything */
  readonly permissions?: NatsPermissions;
}

/** Subjects that a user may publish to and subscribe to; what is allowed nowhere is refused. */
export interface NatsPermissions {
  readonly publish: SubjectRights;
  readonly subscribe: SubjectRights;
}

interface SubjectRights {
  /** @default all */
  readonly allow?: readonly string[];
  /** Of what is allowed. @default none */
  readonly deny?: readonly string[];
}

/**
 * Who may come, as a part of nats-server's configuration.
 * @param passwordOf as it stands in the configuration: a string in quotes, or a variable
 */
export function authorizationText(users: readonly NatsUser[], passwordOf: (user: string) => string): string {
  const lines = users.flatMap(({ user, permissions }) => [
    `    { user: ${JSON.stringify(user)}, password: ${passwordOf(user)}${permissions === undefined ? ' }' : ''}`,
    ...(permissions === undefined ? [] : [...permissionLines(permissions), '    }']),
  ]);
  return ['authorization {', '  users: [', ...lines, '  ]', '}'].join('\n');
}

function permissionLines({ publish, subscribe }: NatsPermissions): string[] {
  return [
    '      permissions: {',
    ...Object.entries({ publish, subscribe }).flatMap(([verb, rights]) => [
      `        ${verb}: {`,
      ...Object.entries(rights as Record<string, readonly string[]>).flatMap(([what, subjects]) => [
        `          ${what}: [`,
        ...subjects.map((subject) => `            ${JSON.stringify(subject)}`),
        '          ]',
      ]),
      '        }',
    ]),
    '      }',
  ];
}
