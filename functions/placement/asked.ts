import * as z from 'zod'
import { table } from '../../adapters/table.ts'
import { badRequest } from '../http/fault.ts'
import type { Input } from '../http/operation.ts'
import { isResourceClass } from './resource-classes.ts'

/* What queries of Placement say (placement/util.py, placement/lib.py). */

/** Query keys of an operation; each may come several times. Others are refused, as is more than anybody means. */
export const keys =
  (names: (version: number) => (string | RegExp)[]) =>
  (version: number): z.ZodType<Input['query']> => {
    const known = names(version)
    return z
      .record(z.string(), z.string().max(2000).optional())
      .refine(
        (asked) =>
          Object.keys(asked).every((key) =>
            known.some((each) => (typeof each === 'string' ? each === key : each.test(key))),
          ),
        { error: 'Invalid query string parameters: Additional properties are not allowed.' },
      )
      .refine((asked) => Object.keys(asked).length <= 100, { error: 'Invalid query string parameters: too many.' })
  }

const UUID = /^[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}$/i
/** With its dashes, in small letters. */
export const uuidIn = (key: string, text: string): string => {
  if (!UUID.test(text))
    throw badRequest(
      `Invalid query string parameters: Expected '${key}' parameter to be a valid UUID. Received: ${text}`,
    )
  return text
    .replaceAll('-', '')
    .toLowerCase()
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

/** So much of each class. */
export type Resources = Record<string, number>

/** `VCPU:2,MEMORY_MB:1024`. */
export const resourcesIn = (text: string): Resources => {
  const found: Resources = table()
  for (const part of text.split(',')) {
    const [name, amount, more] = part.split(':')
    if (!name || amount === undefined || more !== undefined)
      throw badRequest(
        `Badly formed resources parameter. Expected resources query string parameter in form: ?resources=VCPU:2,MEMORY_MB:1024. Got: ${text}.`,
      )
    if (!/^[1-9]\d{0,9}$/.test(amount))
      throw badRequest(`Requested resource ${name} expected positive integer amount. Got: ${amount}.`)
    if (!isResourceClass(name))
      throw badRequest(`Invalid resource class in resources parameter: No such resource class ${name}.`)
    found[name] = Number(amount)
  }
  return found
}

/** One of `any` at least; and none of `none`. */
export interface Choice {
  any: string[][]
  none: string[]
}

/** Whether what is there is as chosen. */
export const chosen = ({ any, none }: Choice, has: (name: string) => boolean): boolean =>
  any.every((some) => some.some(has)) && !none.some(has)

/** `HW_A,!HW_B`, and from 1.39 on `in:HW_A,HW_B`. */
export const traitsIn = (texts: string[], version: number, known: (name: string) => boolean): Choice => {
  const choice: Choice = { any: [], none: [] }
  for (const text of texts) {
    if (version >= 39 && text.startsWith('in:')) choice.any.push(text.slice(3).split(','))
    else
      for (const part of text.split(','))
        if (version >= 22 && part.startsWith('!')) choice.none.push(part.slice(1))
        else choice.any.push([part])
  }
  const all = [...choice.any.flat(), ...choice.none]
  if (all.includes(''))
    throw badRequest(
      "Invalid query string parameters: Expected 'required' parameter value of the form: HW_CPU_X86_VMX,!CUSTOM_MAGIC.",
    )
  const unknown = all.filter((name) => !known(name))
  if (unknown.length) throw badRequest(`No such trait(s): ${[...new Set(unknown)].sort().join(', ')}.`)
  const both = choice.none.filter((name) => choice.any.some((some) => some.length === 1 && some[0] === name))
  if (both.length) throw badRequest(`Conflicting required and forbidden traits found: ${both.sort().join(', ')}.`)
  return choice
}

/** `UUID`, `in:UUID,UUID`, and from 1.32 on either after `!`; several only from 1.24 on. */
export const aggregatesIn = (texts: string[], version: number): Choice => {
  const choice: Choice = { any: [], none: [] }
  if (version < 24 && texts.length > 1) throw badRequest('Multiple member_of parameters are not supported')
  for (const text of texts) {
    const not = version >= 32 && text.startsWith('!')
    const said = not ? text.slice(1) : text
    const names = (said.startsWith('in:') ? said.slice(3).split(',') : [said]).map((name) => uuidIn('member_of', name))
    if (not) choice.none.push(...names)
    else choice.any.push(names)
  }
  return choice
}
