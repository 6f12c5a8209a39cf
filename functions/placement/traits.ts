import { badRequest, notFound } from '../http/fault.ts'
import { type Operation, operation } from '../http/operation.ts'
import { keys } from './asked.ts'
import { modified } from './modified.ts'
import { providersOf, traitsOfAll } from './provider.ts'

/** `in:A,B` or `startswith:PREFIX` (placement/handlers/trait.py). */
const named = (text: string): ((name: string) => boolean) => {
  const [, how, what = ''] = /^(in|startswith):(.*)$/s.exec(text) ?? []
  if (how === undefined)
    throw badRequest(
      `Badly formatted name parameter. Expected name query string parameter in form: ?name=[in|startswith]:[name1,name2|prefix]. Got: "${text}"`,
    )
  return how === 'in' ? (name) => what.split(',').includes(name) : (name) => name.startsWith(what)
}

/** https://docs.openstack.org/api-ref/placement/#traits */
export const traitOperations: Operation[] = [
  operation({
    name: 'trait.list',
    method: 'GET',
    path: '/traits',
    who: 'admin',
    summary: 'What zones of clouds may be told by; filters `name` and `associated`.',
    status: 200,
    since: 6,
    query: keys(() => ['name', 'associated']),
    handle: async (input) => {
      const { name, associated } = input.query
      const providers = await providersOf(input.context)
      const said = associated?.toLowerCase()
      if (said !== undefined && said !== 'true' && said !== 'false')
        throw badRequest('The query parameter "associated" only accepts "true" or "false"')
      const is = name === undefined ? () => true : named(name)
      const has = (trait: string) => providers.some(({ traits }) => traits.includes(trait))
      const traits = traitsOfAll(providers).filter(
        (trait) => is(trait) && (said === undefined || has(trait) === (said === 'true')),
      )
      return { body: { traits }, ...modified(input) }
    },
  }),
  operation({
    name: 'trait.show',
    method: 'GET',
    path: '/traits/:name',
    who: 'admin',
    summary: 'Whether there is a trait of that name: 204, or 404.',
    status: 204,
    since: 6,
    handle: async (input) => {
      const name = input.params.name!
      if (!traitsOfAll(await providersOf(input.context)).includes(name)) throw notFound(`No such trait(s): ${name}.`)
      return modified(input)
    },
  }),
]
