import { table } from '../../adapters/table.ts'
import { badRequest } from '../http/fault.ts'

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

const OPERATORS: Record<string, Comparison['operator']> = table({
  lt: '<',
  lte: '<=',
  gt: '>',
  gte: '>=',
  eq: '=',
  neq: '<>',
})
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z$/

/** A comparison with a time, in milliseconds since 1970. */
export interface Comparison {
  operator: '<' | '<=' | '>' | '>=' | '=' | '<>'
  time: number
}

/** What a list asks of times, `password_expires_at=lt:2026-01-01T00:00:00Z`. 400 for what is no comparison, or no time. */
export const timesAsked = (queries: URLSearchParams, name: string): Comparison[] =>
  queries.getAll(name).map((asked) => {
    const at = asked.indexOf(':')
    const [word, text] = [asked.slice(0, Math.max(0, at)), asked.slice(at + 1)]
    const operator = Object.hasOwn(OPERATORS, word) ? OPERATORS[word] : undefined
    if (!operator) throw badRequest(`Invalid operator in the filter ${name}: lt, lte, gt, gte, eq and neq are known.`)
    const time = TIME.test(text) ? Date.parse(text) : Number.NaN
    if (Number.isNaN(time)) throw badRequest('Timestamp not in expected format, which is YYYY-MM-DDTHH:mm:ssZ.')
    return { operator, time }
  })
