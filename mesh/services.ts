/** What the mesh knows of a service: `npm start`, Envoy's endpoints, the tests and the docs' table go by it. */
export interface ServiceManifest {
  /** Its compiled main file, without `.js`. */
  readonly main: string;
  /** What its ports are called among those of the mesh; of further instances with their number. */
  readonly portName: string;
  /** Of the first instance. */
  readonly port: number;
  /** Serves what is for operators only, on loopback; of the first instance. @default nothing is */
  readonly adminPort?: number;
  /** Serves the public keys that tokens are checked by, by HTTP; of the first instance. @default nothing does */
  readonly jwksPort?: number;
  /** What clients can call on its port. */
  readonly serves: 'commands' | 'queries' | 'health only';
  /** How many `npm start -- --instances N` makes at most. */
  readonly maxInstances: number;
}

/** Every service, by the name that it has in Kubernetes and in its log. A new one is an entry here. */
export const services = {
  'thread-command': {
    main: 'services/thread/command/main',
    portName: 'threadCommand',
    port: 50_051,
    adminPort: 50_054,
    serves: 'commands',
    maxInstances: 9,
  },
  'thread-query': {
    main: 'services/thread/query/main',
    portName: 'threadQuery',
    port: 50_052,
    serves: 'queries',
    maxInstances: 2,
  },
  'thread-projector': {
    main: 'services/thread/projector/main',
    portName: 'threadProjector',
    port: 50_053,
    serves: 'health only',
    maxInstances: 2,
  },
  account: {
    main: 'services/account/main',
    portName: 'account',
    port: 50_055,
    jwksPort: 50_056,
    serves: 'health only',
    maxInstances: 2,
  },
} as const satisfies Readonly<Record<string, ServiceManifest>>;

export type ServiceName = keyof typeof services;
export const serviceNames = Object.keys(services) as ServiceName[];
