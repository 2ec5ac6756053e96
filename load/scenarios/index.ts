import { ChatScenario } from './chat-scenario.js';
import { HotScenario } from './hot-scenario.js';
import { ReplayScenario } from './replay-scenario.js';
import type { ScenarioName } from './scenario-names.js';
import type { Scenario, Stage } from './scenario.js';
import { ThreadScenario } from './thread-scenario.js';

/** A new one, for the users of one worker. */
export function scenarioOf(name: ScenarioName, stage: Stage): Scenario {
  switch (name) {
    case 'thread':
      return new ThreadScenario(stage);
    case 'chat':
      return new ChatScenario(stage);
    case 'hot':
      return new HotScenario(stage);
    case 'replay':
      return new ReplayScenario(stage);
  }
}
