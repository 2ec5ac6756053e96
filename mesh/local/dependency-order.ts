interface Dependent {
  readonly name: string;
  readonly dependsOn: readonly string[];
}

/**
 * Runs `work` for every item, each as soon as all that it depends on are done, independent ones at the same time.
 * Stops beginning new work at the first failure, waits for what was begun, and throws that failure.
 */
export async function inDependencyOrder<Item extends Dependent>(
  items: readonly Item[],
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const names = new Set(items.map(({ name }) => name));
  const done = new Map<string, Promise<void>>();
  let failure: { readonly error: unknown } | undefined;

  const run = (item: Item): Promise<void> => {
    const known = done.get(item.name);
    if (known !== undefined) return known;
    const before = items.filter(({ name }) => item.dependsOn.includes(name));
    const promise = Promise.all(before.map(run)).then(async () => {
      if (failure !== undefined) return;
      try {
        await work(item);
      } catch (error) {
        failure ??= { error };
      }
    });
    done.set(item.name, promise);
    return promise;
  };

  for (const { name, dependsOn } of items) {
    const unknown = dependsOn.find((dependency) => !names.has(dependency));
    if (unknown !== undefined) throw new Error(`${name} depends on ${unknown}, which does not exist`);
  }
  await Promise.all(items.map(run));
  if (failure !== undefined) throw failure.error;
}

/** The same items, each depending on what depended on it: the order in which to stop. */
export function reversed<Item extends Dependent>(items: readonly Item[]): (Dependent & { readonly item: Item })[] {
  return items.map((item) => ({
    name: item.name,
    dependsOn: items.filter(({ dependsOn }) => dependsOn.includes(item.name)).map(({ name }) => name),
    item,
  }));
}
