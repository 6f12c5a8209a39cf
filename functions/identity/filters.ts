import { table } from '../../adapters/table.ts'

/* Inexact filters, `name__contains=…`: https://docs.openstack.org/api-ref/identity/v3/#filtering */

const COMPARE: Record<string, (text: string, wanted: string) => boolean> = table({
  equals: (text, wanted) => text === wanted,
  contains: (text, wanted) => text.includes(wanted),
  startswith: (text, wanted) => text.startsWith(wanted),
  endswith: (text, wanted) => text.endsWith(wanted),
})

/**
 * Keeps what an inexact filter of the query lets stand. `attributes` are those that the list can be filtered by; with an
 * `i` before its name a comparison does not look at case, and one that nobody knows is passed over, as every other key is
 * (keystone/server/flask/common.py).
 */
export const inexactly = <V extends object>(
  queries: URLSearchParams,
  attributes: (keyof V & string)[],
  items: V[],
): V[] =>
  [...queries].reduce((left, [key, wanted]) => {
    const attribute = attributes.find((each) => key.startsWith(`${each}__`))
    const word = attribute === undefined ? '' : key.slice(attribute.length + 2)
    const blind = word.startsWith('i')
    const name = blind ? word.slice(1) : word
    if (attribute === undefined || !Object.hasOwn(COMPARE, name)) return left
    const cased = (text: string) => (blind ? text.toLowerCase() : text)
    return left.filter((item) => COMPARE[name]!(cased(String(item[attribute] ?? '')), cased(wanted)))
  }, items)

/** Filters of lists that nothing here has a value for: whoever asks for one finds nothing. */
export const asksForAbsent = (queries: URLSearchParams, ...attributes: string[]): boolean =>
  attributes.some((each) => queries.has(each))
