/** What the mesh knows of a service: `npm start`, Envoy's clusters, the tests and the docs' table go by it. */
export interface ServiceManifest {
  /** Its compiled main file, without `.js`. */
  readonly main: string;
  /** Where its first instance listens, by what for; further instances ten above the one before each. */
  readonly ports: Readonly<{ grpc: number } & { [purpose in Exclude<PortPurpose, 'grpc'>]?: number }>;
  /** What clients can call on its gRPC port: Envoy has a cluster of each that has something. */
  readonly serves: 'commands' | 'queries' | 'commands and queries' | 'health only';
  /** How many `npm start -- --instances N` makes at most. */
  readonly maxInstances: number;
  /** What it is of which context, which says what it may do in NATS and MySQL (mesh/rights). @default it knows neither */
  readonly rights?: { readonly context: string; readonly part: ContextPart };
}

/**
 * `grpc`: its API and its health. `admin`: what is for operators only, on loopback. `jwks`: the public keys that tokens
 * are checked by, by HTTP.
 */
export type PortPurpose = 'grpc' | 'admin' | 'jwks';

/** What a service can be of a context. */
export type ContextPart = 'command' | 'projector' | 'query';

/** Every service, by the name that it has in Kubernetes and in its log. A new one is an entry here. */
export const services = {
  'thread-command': {
    main: 'services/thread/command/main',
    ports: { grpc: 50_051, admin: 50_054 },
    serves: 'commands',
    maxInstances: 9,
    rights: { context: 'thread', part: 'command' },
  },
  'thread-query': {
    main: 'services/thread/query/main',
    ports: { grpc: 50_052 },
    serves: 'queries',
    maxInstances: 2,
    rights: { context: 'thread', part: 'query' },
  },
  'thread-projector': {
    main: 'services/thread/projector/main',
    ports: { grpc: 50_053 },
    serves: 'health only',
    maxInstances: 2,
    rights: { context: 'thread', part: 'projector' },
  },
  account: {
    main: 'services/account/main',
    ports: { grpc: 50_055, jwks: 50_056 },
    serves: 'commands and queries',
    maxInstances: 2,
  },
} as const satisfies Readonly<Record<string, ServiceManifest>>;

/** The services that know NATS or MySQL, by what they may do there. */
export type ServiceRights = Readonly<Record<string, NonNullable<ServiceManifest['rights']>>>;

export type ServiceName = keyof typeof services;
export const serviceNames = Object.keys(services) as ServiceName[];

/** A service that Envoy has a cluster of. */
export type UpstreamName = {
  [name in ServiceName]: (typeof services)[name]['serves'] extends 'health only' ? never : name;
}[ServiceName];
export const upstreamNames = serviceNames.filter((name) => services[name].serves !== 'health only') as UpstreamName[];

/** Of each service that has any. */
export const serviceRights: ServiceRights = Object.fromEntries(
  Object.entries<ServiceManifest>(services).flatMap(([name, { rights }]) => (rights ? [[name, rights]] : [])),
);
