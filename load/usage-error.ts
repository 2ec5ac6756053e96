/** The command line cannot be meant. The message names the option and what it may be. */
export class UsageError extends Error {}
