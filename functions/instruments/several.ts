import type { Instruments } from './told.ts'

/** Several listeners as one: each is told, the first on the outside. Null: there is none. */
export const together = (listeners: Instruments[]): Instruments | null => {
  const [first, ...others] = listeners
  return first ? others.reduce(both, first) : null
}

const both = (one: Instruments, other: Instruments): Instruments => ({
  ...one,
  ...other,
  ...(one.call && other.call ? { call: around(one.call, other.call) } : {}),
  ...(one.converge && other.converge ? { converge: around(one.converge, other.converge) } : {}),
  ...(one.step && other.step ? { step: around(one.step, other.step) } : {}),
  ...(one.notice && other.notice ? { notice: around(one.notice, other.notice) } : {}),
  ...(one.loop && other.loop ? { loop: around(one.loop, other.loop) } : {}),
  ...(one.request && other.request ? { request: inside(one.request, other.request) } : {}),
})

type Around<What> = <T>(what: What, work: () => Promise<T>) => Promise<T>
const around =
  <What>(one: Around<What>, other: Around<What>): Around<What> =>
  (what, work) =>
    one(what, () => other(what, work))

type Request = NonNullable<Instruments['request']>
const inside =
  (one: Request, other: Request): Request =>
  (arrival, answer) =>
    one(arrival, () => other(arrival, answer))
