import { parseArgs } from 'node:util';
import { benchHandover } from './handover-bench.js';
import { benchHotThread } from './hot-thread-bench.js';
import { benchJournal } from './journal-bench.js';
import { benchProjector } from './projector-bench.js';
import { benchScaleModel } from './scale-model-bench.js';
import { benchHistories, benchScaling } from './scaling-bench.js';
import { benchStreams } from './streams-bench.js';
import { benchVisibility } from './visibility-bench.js';
import { benchWatch } from './watch-bench.js';

/** One line of the bench: measures something beside its reference, in the same run, and prints a table. */
type Bench = (options: { readonly count: number | undefined }) => Promise<void>;

const benches: Readonly<Record<string, { readonly about: string; readonly run: Bench }>> = {
  visibility: { about: 'from the answer to a create until GET shows the thread', run: benchVisibility },
  watch: { about: 'from a post until a watcher has it, through Envoy', run: benchWatch },
  journal: { about: 'appends through the journal, against bare publishes', run: benchJournal },
  projector: { about: 'rows a second over a backlog, against multi-row inserts of the same rows', run: benchProjector },
  handover: {
    about: 'calls while a thread-command process leaves or joins, against undisturbed ones',
    run: benchHandover,
  },
  'hot-thread': { about: 'appends to one thread in either layout', run: benchHotThread },
  scaling: { about: 'what more threads and longer threads cost, 1 to 200,000 (ten minutes)', run: benchScaling },
  histories: {
    about: 'of scaling only longer threads, and posts at random moments (two minutes)',
    run: benchHistories,
  },
  'scale-model': {
    about: 'what 1 and 100 million threads need, from what scaling measured last (docs/scaling.md)',
    run: benchScaleModel,
  },
  streams: { about: 'what a stream per thread costs as their number grows (minutes)', run: benchStreams },
};
/** Run when none is named. */
const byDefault = ['visibility', 'watch', 'journal', 'projector'];

const help = `npm run bench -- [--only NAME] [--count N]

${Object.entries(benches)
  .map(([name, { about }]) => `  ${name.padEnd(13)}${about}`)
  .join('\n')}

Each starts the servers it needs on free ports with data of its own. --count sets how much is measured.`;

const { values } = parseArgs({
  options: { only: { type: 'string' }, count: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
});
if (values.help) {
  console.log(help);
} else {
  for (const name of values.only === undefined ? byDefault : [values.only]) {
    const bench = benches[name];
    if (bench === undefined) {
      console.error(`there is no bench ${name}\n\n${help}`);
      process.exitCode = 2;
      break;
    }
    console.log(`\n${name}: ${bench.about}`);
    await bench.run({ count: values.count === undefined ? undefined : Number(values.count) });
  }
}
