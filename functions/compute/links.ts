import type { Input } from '../http/operation.ts'
import { nextHref, pageRequest } from '../http/pagination.ts'
import { exact, zoned } from '../http/times.ts'

type Place = Pick<Input, 'base' | 'origin'>

/** The two links of every Nova resource: within this version of the API, and without one. */
export const links = ({ base, origin }: Place, collection: string, id: string) => [
  { rel: 'self', href: `${base}/${collection}/${id}` },
  { rel: 'bookmark', href: `${origin}/compute/${collection}/${id}` },
]

const PLAIN = /^[\w .-]*$/
/** As it stands between the quotes of a JSON text. Most ids and names stand there as they are. */
const escaped = (text: string): string => (PLAIN.test(text) ? text : JSON.stringify(text).slice(1, -1))

/**
 * A list of names as JSON: id, name and links of each. Such a list is mostly links, and most of those are the same, so that
 * they are put together as text.
 */
export const namesText = (
  { base, origin }: Place,
  collection: string,
  rows: { id: string; name: string }[],
): string => {
  const self = `"links":[{"rel":"self","href":"${escaped(`${base}/${collection}/`)}`
  const bookmark = `"},{"rel":"bookmark","href":"${escaped(`${origin}/compute/${collection}/`)}`
  let text = ''
  for (const { id, name } of rows) {
    const own = escaped(id)
    text += `${text && ','}{"id":"${own}","name":"${escaped(name)}",${self}${own}${bookmark}${own}"}]}`
  }
  return `[${text}]`
}

/** `<key>: [next]` on every full page; the key is absent on others. */
export const nextLink = (
  { base, query, queries }: Pick<Input, 'base' | 'query' | 'queries'>,
  key: string,
  path: string,
  ids: string[],
): Record<string, { rel: string; href: string }[]> => {
  const { limit } = pageRequest(query)
  const last = ids.at(-1)
  return last !== undefined && ids.length === limit
    ? { [key]: [{ rel: 'next', href: nextHref(base + path, queries, last) }] }
    : {}
}

/** `2026-03-01T12:00:00Z` */
export const isoTime = zoned

/** `2026-03-01T12:00:00.000000`, as Python writes a time without a zone. */
export const nakedTime = (ms: number): string => `${exact(ms)}000`
