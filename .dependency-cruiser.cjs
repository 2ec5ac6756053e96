/**
 * The layers, as rules: main → composition → adapters → commands, projection, … → journal → kernel. Each comment says
 * what to do instead. Run by scripts/layering.int.test.mjs.
 * @type {import('dependency-cruiser').IConfiguration}
 */
const tests = '\\.test\\.ts$|^e2e/|/test/|^platform/testing/';
const adapters = 'nats|mysql|grpc|telemetry';
const tools = '^(mesh|bench|scripts|load|e2e|k8s)/';

module.exports = {
  forbidden: [
    {
      name: 'kernel-stands-alone',
      comment:
        'The kernel knows nothing but itself. Move what needs more into another folder of platform, or pass it in (a clock, an id) as an argument.',
      severity: 'error',
      from: { path: '^platform/kernel/', pathNot: tests },
      // Of crypto only hashing, which is pure: eslint.config.js sees to that.
      to: { pathNot: ['^platform/kernel/', '^node_modules/(ulid|immutable)/', '^(node:)?crypto$'] },
    },
    {
      name: 'domain-is-pure',
      comment:
        'The domain imports the kernel and its events, nothing else. Do I/O in an adapter, behind a port, and hand the domain its answer.',
      severity: 'error',
      from: { path: '^services/([^/]+).*/domain/', pathNot: tests },
      to: {
        pathNot: [
          '^services/$1.*/domain/',
          '^platform/kernel/',
          '^services/$1/events/[^/]+-event\\.ts$',
          // Rules of others, as pure as ours: what an e-mail address is, which passwords are guessed.
          '^node_modules/(ulid|immutable|validator|@zxcvbn-ts)/',
          '^(node:)?url$',
        ],
      },
    },
    {
      name: 'ports-know-no-adapter',
      comment:
        'commands, ownership, projection, queries, watching and journal are what adapters are written for: declare a port here, implement it in the folder of its technology, and join the two where the process is composed.',
      severity: 'error',
      from: {
        path: '^platform/(journal|commands|ownership|projection|queries|watching|process)/',
        pathNot: [tests, '^platform/process/health-probe/'],
      },
      to: { path: `^(platform/(${adapters}|composition|admin)|gen)/` },
    },
    {
      name: 'adapters-know-no-composition',
      comment: 'Take settings and collaborators as arguments; what composes a process passes them in.',
      severity: 'error',
      from: { path: `^platform/(${adapters})/`, pathNot: tests },
      to: { path: '^platform/(composition|admin)/' },
    },
    {
      name: 'processes-know-no-admin',
      comment:
        "admin is a program beside the processes: what both need belongs into platform's other folders, and services/contexts.ts hands admin what is a context's.",
      severity: 'error',
      from: { path: '^(platform/(?!admin/)|services/[^/]+/)', pathNot: tests },
      to: { path: '^platform/admin/' },
    },
    {
      name: 'runtime-knows-no-adapter',
      comment: 'Declare a port (an interface) in runtime, implement it in adapters, and join the two in main.ts.',
      severity: 'error',
      from: { path: '^services/.*/runtime/', pathNot: tests },
      to: { path: '^services/.*/(adapters/|main\\.ts$|config\\.ts$)' },
    },
    {
      name: 'adapters-know-no-main',
      comment: 'Take settings and collaborators as arguments; main.ts reads config.ts and passes them in.',
      severity: 'error',
      from: { path: '^services/.*/adapters/', pathNot: tests },
      to: { path: '^services/.*/(main|config)\\.ts$' },
    },
    {
      name: 'processes-share-only-contracts',
      comment:
        "A process may be deployed, scaled and replaced alone. Share an API through proto/ and gen, event types through the context's events, mechanics through platform.",
      severity: 'error',
      from: { path: '^services/([^/]+)/(command|projector|query|reactions|journal)/', pathNot: tests },
      to: { path: '^services/', pathNot: ['^services/$1/$2/', '^services/$1/events/'] },
    },
    {
      name: 'contexts-share-only-contracts',
      comment:
        "What two contexts share is proto/ and gen, or mechanics in platform; of each other's code they know nothing.",
      severity: 'error',
      from: { path: '^services/([^/]+)/', pathNot: tests },
      to: { path: '^services/[^/]+/', pathNot: '^services/$1/' },
    },
    {
      name: 'platform-knows-no-context',
      comment: 'platform does not know what a thread is. Make it generic, or move the code into the context.',
      severity: 'error',
      from: { path: '^platform/', pathNot: '\\.test\\.ts$' },
      to: { path: '^services/' },
    },
    {
      name: 'events-are-a-language',
      comment: 'The published language is types and their codec. Behaviour belongs in the process that has it.',
      severity: 'error',
      from: { path: '^services/[^/]+/events/', pathNot: tests },
      to: { path: '^(services|platform)/', pathNot: '^(services/[^/]+/events|platform/(kernel|journal))/' },
    },
    {
      name: 'services-know-no-tooling',
      comment: 'mesh, load, bench and scripts start services, not the other way round. Only tests may import them.',
      severity: 'error',
      from: { path: '^(platform|services)/', pathNot: tests },
      to: { path: tools },
    },
    {
      name: 'nothing-shipped-imports-tests',
      comment: 'Move what both need out of the test folder.',
      severity: 'error',
      from: { path: '^(platform|services|load)/', pathNot: tests },
      to: { path: tests },
    },
    {
      name: 'shipped-code-uses-shipped-packages',
      comment: 'A dev dependency is not there in production: move it to "dependencies".',
      severity: 'error',
      from: { path: '^(platform|services|load|gen)/', pathNot: tests },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['npm'] },
    },
    {
      name: 'no-circle',
      comment: 'Two modules that need each other are one module, or hide a third that both need: take it out.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-circle-of-folders',
      comment: 'Two folders that need each other are one idea, or hide a third that both need: take it out.',
      severity: 'error',
      scope: 'folder',
      from: { path: '^(platform|services|mesh)/' },
      to: { circular: true },
    },
    {
      name: 'resolvable',
      comment: 'The import leads nowhere: a typing error, or a package that package.json does not name.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: ['node_modules', '^gen/'] },
    exclude: { path: '^dist/' },
    // Type-only imports are dependencies too.
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
