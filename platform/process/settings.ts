import { Fault } from '../kernel/fault.js';

/** The environment, or what stands for it. An empty variable counts as one that is not set. */
export type Variables = Readonly<Record<string, string | undefined>>;

/** The longest time that Node's timers know, in milliseconds. */
export const LONGEST_MS = 2 ** 31 - 1;

/** One variable as docs/settings.md shows it. */
export interface SettingVariable {
  readonly name: string;
  readonly kind: 'integer' | 'port' | 'text' | 'choice' | 'url';
  /** What stands there as the default, in Markdown. */
  readonly default: string;
  readonly meaning: string;
}

/** What a program takes from one variable, or from several that belong together. */
export interface Setting<Value> {
  readonly variables: readonly SettingVariable[];
  /** @throws Fault reason INVALID_SETTING naming the variable */
  read(variables: Variables): Value;
}

/** All that a program or a part of it can be told: which of its values comes from which setting. */
export type SettingsTable = Readonly<Record<string, Setting<unknown>>>;

/** The values that a table gives. */
export type SettingsOf<Table extends SettingsTable> = {
  readonly [Key in keyof Table]: Table[Key] extends Setting<infer Value> ? Value : never;
};

/**
 * Reads what a table says.
 *
 * @param variables @default the environment of the process
 * @throws Fault reason INVALID_SETTING naming the variable whose value cannot be meant
 */
export function settings<Table extends SettingsTable>(
  table: Table,
  variables: Variables = process.env,
): SettingsOf<Table> {
  const values = Object.entries(table).map(([key, setting]) => [key, setting.read(variables)] as const);
  return Object.fromEntries(values) as SettingsOf<Table>;
}

/** The settings, or, when one is wrong, one line on stderr that names it and the end of the process with exit code 1. */
export function settingsOrExit<Settings>(read: () => Settings): Settings {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    process.stderr.write(`${error.message}\n`);
    return process.exit(1);
  }
}

/** The variables that a table reads, in its order. */
export function variablesOf(table: SettingsTable): SettingVariable[] {
  return Object.values(table).flatMap(({ variables }) => variables);
}

/** A whole number's default and bounds. */
export interface IntegerOptions {
  readonly default: number;
  /** @default 0 */
  readonly minimum?: number;
  /** @default Number.MAX_SAFE_INTEGER */
  readonly maximum?: number;
  /** What docs show as the default. @default the default */
  readonly shown?: string;
}

/** A whole number, whose default and bounds may depend on other variables. */
export function integer(
  name: string,
  options: IntegerOptions | ((variables: Variables) => IntegerOptions),
  meaning: string,
  kind: 'integer' | 'port' = 'integer',
): Setting<number> {
  const optionsFor = (variables: Variables): IntegerOptions =>
    typeof options === 'function' ? options(variables) : options;
  const { default: byDefault, shown = String(byDefault) } = optionsFor({});
  return {
    variables: [{ name, kind, default: shown, meaning }],
    read: (variables) => {
      const { default: fallback, minimum = 0, maximum = Number.MAX_SAFE_INTEGER } = optionsFor(variables);
      const value = variables[name] || String(fallback);
      const number = /^-?\d+$/.test(value) ? Number(value) : NaN;
      if (number >= minimum && number <= maximum) return number;
      throw notMeant(name, value, `a whole number from ${minimum} to ${maximum}`);
    },
  };
}

/** A port, 0 to 65535. */
export function port(
  name: string,
  options: Pick<IntegerOptions, 'default' | 'maximum' | 'shown'>,
  meaning: string,
): Setting<number> {
  return integer(name, { maximum: 65_535, ...options }, meaning, 'port');
}

/** Any text. */
export function text(
  name: string,
  options: { readonly default: string; readonly shown?: string },
  meaning: string,
  kind: 'text' | 'url' = 'text',
): Setting<string> {
  const { default: byDefault, shown = byDefault === '' ? 'none' : `\`${byDefault}\`` } = options;
  return {
    variables: [{ name, kind, default: shown, meaning }],
    read: (variables) => variables[name] || byDefault,
  };
}

/** Where a server is. Nothing is checked: who connects says what is wrong with it. */
export function url(name: string, options: { readonly default: string }, meaning: string): Setting<string> {
  return text(name, options, meaning, 'url');
}

/** Where something is by HTTP. */
export function httpUrl(name: string, options: { readonly default: string }, meaning: string): Setting<string> {
  const setting = url(name, options, meaning);
  return {
    ...setting,
    read(variables) {
      const value = setting.read(variables);
      if (value === options.default || /^https?:$/.test(URL.parse(value)?.protocol ?? '')) return value;
      throw notMeant(name, value, `a URL such as ${options.default || 'http://127.0.0.1:4318'}`);
    },
  };
}

/** One of a closed set of values. */
export function choice<const Choice extends string>(
  name: string,
  choices: readonly Choice[],
  options: { readonly default: NoInfer<Choice> },
  meaning: string,
): Setting<Choice> {
  return {
    variables: [{ name, kind: 'choice', default: `\`${options.default}\``, meaning }],
    read: (variables) => {
      const value = variables[name] || options.default;
      const found = choices.find((each) => each === value);
      if (found === undefined) throw notMeant(name, value, `one of ${choices.join(', ')}`);
      return found;
    },
  };
}

/** One value made of those of a table; `combine` may refuse them by `invalidSetting`. */
export function combined<Table extends SettingsTable, Value = SettingsOf<Table>>(
  table: Table,
  combine: (values: SettingsOf<Table>) => Value,
): Setting<Value> {
  return { variables: variablesOf(table), read: (variables) => combine(settings(table, variables)) };
}

/** The values of a table as one. */
export function group<Table extends SettingsTable>(table: Table): Setting<SettingsOf<Table>> {
  return combined(table, (values) => values);
}

/** The fault of a setting that cannot be meant. */
export function invalidSetting(message: string): Fault {
  return new Fault('failed-precondition', 'INVALID_SETTING', message);
}

function notMeant(name: string, value: string, expected: string): Fault {
  return invalidSetting(`${name} is ${JSON.stringify(value)}, must be ${expected}`);
}
