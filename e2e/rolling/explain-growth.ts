/** Why there may be more objects of a kind without a leak. Found by looking into snapshots of services that are well. */
const explanations: readonly (readonly [kind: RegExp, explanation: string])[] = [
  [/^\((code|hidden|object shape|synthetic)\)$/, "V8's: compiled code, and what it has learned of objects' shapes"],
  [
    /^(system \/ Context|\(closure\)|\(symbol\)|\(regexp\))$/,
    "V8's: contexts and closures of code that ran for the first time",
  ],
  [
    /JSArrayBufferData|^(ArrayBuffer|Buffer|Uint8Array)$/,
    'bytes; in thread-query those of the newest 64 commits of watched threads',
  ],
  [/^ColumnDefinition$/, "mysql2's: columns of prepared statements, for each connection of the pool"],
  [
    /^(\((string|sliced string|concatenated string|array|number)\)|Object|Array|Map)$/,
    'of everything; in thread-query also the newest 64 commits of watched threads',
  ],
];

/** What a constructor's growth comes from, if that is known; empty where somebody has to look. */
export function explainGrowth(constructorName: string): string {
  return explanations.find(([kind]) => kind.test(constructorName))?.[1] ?? '';
}
