import type { Operation } from '../http/operation.ts'
import { exact } from '../http/times.ts'

/** Milliseconds since 1970 as Keystone writes a time: microseconds and a `Z`. */
export const keystoneTime = (ms: number): string => `${exact(ms)}000Z`

/** A collection with Keystone's links; it is never cut into pages. */
export const collection = (name: string, items: unknown[], base: string, path: string) => ({
  body: { [name]: items, links: { next: null, self: `${base}/v3${path}`, previous: null } },
})

/**
 * The same operation, whose collections link to what was asked for, with its query (keystone/server/flask/common.py,
 * `full_url`).
 */
export const linkingToItself = (operation: Operation): Operation =>
  operation.method !== 'GET'
    ? operation
    : {
        ...operation,
        handle: async (input) => {
          const answer = await operation.handle(input)
          const { search } = new URL(input.request.url)
          const links = answer instanceof Response || !search ? null : linksOf(answer.body)
          if (links) links.self += search
          return answer
        },
      }

/** Of a collection; what is by itself has no `next`. */
const linksOf = (body: unknown): { self: string } | null => {
  const { links } = Object(body) as { links?: { self?: unknown } }
  return typeof links?.self === 'string' && 'next' in links ? (links as { self: string }) : null
}

/** How many of what nothing else bounds a list has: `list_limit` of Keystone, which says so with `truncated`. */
export const LIST_LIMIT = 1000

/** A collection of the first `LIST_LIMIT` of what was read, one more of which tells that there are others. */
export const truncated = <T>(name: string, rows: T[], view: (row: T) => unknown, base: string, path: string) => {
  const { body } = collection(name, rows.slice(0, LIST_LIMIT).map(view), base, path)
  return { body: { ...body, ...(rows.length > LIST_LIMIT ? { truncated: true } : {}) } }
}

/** The `links` of one resource. What people call things may be any text, and a link is a URL all the same. */
export const selfLink = (base: string, path: string) => ({ self: `${base}/v3${escaped(path)}` })

const escaped = (path: string): string => encodeURI(path.toWellFormed()).replace(/[?#]/g, encodeURIComponent)

/** `enabled=false`, `enabled=0` and `enabled` as Keystone reads them; undefined: not asked for. */
export const flagOf = (text: string | undefined): boolean | undefined =>
  text === undefined ? undefined : !/^(0|false|no|off)$/i.test(text)
