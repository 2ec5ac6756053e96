/** What users can do. */
export const scenarioNames = ['thread', 'chat', 'hot', 'replay'] as const;
export type ScenarioName = (typeof scenarioNames)[number];

/** By which names their requests and deliveries are counted; with a rate there is `begin` too. */
export const requestsOf: Readonly<Record<ScenarioName, readonly string[]>> = {
  thread: ['create', 'get'],
  chat: ['create', 'join', 'post', 'read', 'leave', 'watch'],
  hot: ['create', 'post-hot', 'read-hot', 'post-quiet', 'read-quiet'],
  replay: ['read-cold', 'post-cold', 'post-warm'],
};
