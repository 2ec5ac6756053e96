/** Why there may be more objects of a kind without a leak. Found by looking at snapshots of a service that is well. */
const explanations: readonly (readonly [kind: RegExp, explanation: string])[] = [
  [/^\((code|hidden|object shape|synthetic)\)$/, "V8's: compiled code, and what it has learned of objects' shapes"],
  [
    /^(system \/ .*|\(closure\)|\(symbol\)|\(regexp\))$/,
    "V8's: contexts and closures of code that ran for the first time",
  ],
];

/** What a constructor's growth comes from, if that is known. */
export function explainGrowth(constructorName: string): string {
  return explanations.find(([kind]) => kind.test(constructorName))?.[1] ?? '';
}
