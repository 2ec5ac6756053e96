/** A failure that a person can act on: its message says what to do, and the console shows it without a stack trace. */
export class MeshError extends Error {}
