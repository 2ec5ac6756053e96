/** What users can do. */
export const scenarioNames = ['thread', 'chat', 'hot', 'replay'] as const;
export type ScenarioName = (typeof scenarioNames)[number];
