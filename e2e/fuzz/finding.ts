/** Kinds of fuzzing, in the order in which they take turns. */
export const families = ['grpc', 'grpc-web', 'rest', 'http2', 'attacks'] as const;
export type Family = (typeof families)[number];

/** Something that no input may cause. */
export interface Finding {
  readonly family: Family;
  /** Numbers of the cases of which one has caused it: the first and the last. */
  readonly cases: readonly [number, number];
  /** What is the same of each occurrence; the first of a kind is told. */
  readonly kind: string;
  readonly detail: string;
}

/** Words of our insides, and of those of what we are made of, which no answer may have. */
const innerTexts =
  /\bat .+\.[jt]s:\d|node_modules|\bER_|\bSELECT\b|\bINSERT\b|sql|knex|mariadb|upstream|envoy|reset reason|overflow|grpc-js|jetstream|\bnats\b|(Type|Range|Reference|Syntax)Error|\bundefined\b|\[object |no_error|protobuf|transcod|RST_STREAM/i;

/** What of an answer's text its client must not see, if anything. */
export function innerTextOf(text: string): string | undefined {
  return innerTexts.exec(text)?.[0];
}

/** Findings, the first of each kind, and how often each came. */
export class Findings {
  readonly #found = new Map<string, { readonly finding: Finding; count: number }>();

  constructor(private readonly report: (finding: Finding) => void) {}

  add(finding: Finding): void {
    const key = `${finding.family}: ${finding.kind}`;
    const known = this.#found.get(key);
    if (known !== undefined) known.count += 1;
    else {
      this.#found.set(key, { finding, count: 1 });
      this.report(finding);
    }
  }

  get all(): readonly (Finding & { readonly count: number })[] {
    return [...this.#found.values()].map(({ finding, count }) => ({ ...finding, count }));
  }
}
