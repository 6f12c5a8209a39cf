import { exact } from '../http/times.ts'

/** Milliseconds since 1970 as Keystone writes a time: microseconds and a `Z`. */
export const keystoneTime = (ms: number): string => `${exact(ms)}000Z`

/** A collection with Keystone's links; it is never cut into pages. */
export const collection = (name: string, items: unknown[], base: string, path: string) => ({
  body: { [name]: items, links: { next: null, self: `${base}/v3${path}`, previous: null } },
})

/** The `links` of one resource. */
export const selfLink = (base: string, path: string) => ({ self: `${base}/v3${path}` })

/** `enabled=false`, `enabled=0` and `enabled` as Keystone reads them; undefined: not asked for. */
export const flagOf = (text: string | undefined): boolean | undefined =>
  text === undefined ? undefined : !/^(0|false|no|off)$/i.test(text)
