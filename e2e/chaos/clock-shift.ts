import { readFileSync } from 'node:fs';

/**
 * Loaded before a service's own code (`node --import`) where its wall clock shall jump: it is shifted by as many milliseconds as stand in
 * the file that CLOCK_SHIFT_FILE names. As with a real clock, timers and `performance.now()` go on as before.
 */
const LOOK_EVERY_MS = 50;
const file = process.env.CLOCK_SHIFT_FILE;

if (file !== undefined) {
  const RightDate = Date;
  let shiftMs = 0;
  setInterval(() => {
    try {
      shiftMs = Number(readFileSync(file, 'utf8')) || 0;
    } catch {
      // Not written yet.
    }
  }, LOOK_EVERY_MS).unref();
  const now = (): number => RightDate.now() + shiftMs;
  globalThis.Date = new Proxy(RightDate, {
    construct: (target, args, newTarget) =>
      Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget) as Date,
    get: (target, property, receiver) =>
      property === 'now' ? now : (Reflect.get(target, property, receiver) as unknown),
  });
}
