import * as z from 'zod'
import { check } from '../../../http/body.ts'
import { dialects } from '../../../http/dialects.ts'
import { dictionary } from '../../../http/dictionary.ts'
import { badRequest, forbidden, notFound } from '../../../http/fault.ts'
import { type ActionTaken, oneAction, takes } from '../../../http/json-schema.ts'
import { type Input, type Operation, operation } from '../../../http/operation.ts'
import { serverOf } from '../server.ts'
import type { Action } from './action.ts'
import { addressActions } from './addresses.ts'
import { adminActions } from './admin.ts'
import { consoleActions } from './console.ts'
import { imageActions } from './image.ts'
import { lockActions } from './lock.ts'
import { passwordActions } from './password.ts'
import { powerActions } from './power.ts'
import { rebuildActions } from './rebuild.ts'
import { refusedActions } from './refused.ts'
import { rescueActions } from './rescue.ts'
import { resizeActions } from './resize.ts'
import { securityGroupActions } from './security-groups.ts'
import { shelveActions } from './shelve.ts'

/** Everything that can be asked of a server beyond existence, by the word that clients send. */
export const serverActions: Action[] = [
  ...powerActions,
  ...resizeActions,
  ...rebuildActions,
  ...rescueActions,
  ...passwordActions,
  ...shelveActions,
  ...imageActions,
  ...lockActions,
  ...consoleActions,
  ...securityGroupActions,
  ...addressActions,
  ...adminActions,
  ...refusedActions,
]
const byName = new Map(serverActions.map((action) => [action.name, action]))

const body = (version: number) =>
  takes(dictionary(z.string(), z.unknown()), () => oneAction(serverActions as ActionTaken[], version))

const actionOf = ({ body: asked, version }: Input<Record<string, unknown>>): Action => {
  const [name, ...more] = Object.keys(asked)
  if (name === undefined) throw badRequest('Malformed request body')
  const action = byName.get(name)
  if (!action) throw badRequest(`There is no such action: ${name}`)
  if (version < (action.since ?? 0) || version > (action.until ?? Number.POSITIVE_INFINITY))
    throw notFound('The resource could not be found.')
  if (more.length)
    throw badRequest(
      `Additional properties are not allowed (${more.map((each) => `'${each}'`).join(', ')} ${more.length > 1 ? 'were' : 'was'} unexpected)`,
    )
  return action
}

/** https://docs.openstack.org/api-ref/compute/#servers-run-an-action-servers-action */
export const actionOperation: Operation = operation<Record<string, unknown>>({
  name: 'server.act',
  method: 'POST',
  path: '/servers/:id/action',
  who: 'member',
  summary:
    'Starts, stops, reboots, resizes, rebuilds, locks … a server. What its cloud cannot do is 409 with the reason.',
  status: 202,
  body,
  handle: async (input) => {
    const action = actionOf(input)
    const given = input.body[action.name]
    const schema = typeof action.body === 'function' ? action.body(input.version) : action.body
    const asked = schema ? check(schema, given, dialects.compute, [action.name]) : given
    const server = await serverOf(input)
    if (action.adminRule && !input.context.caller?.isAdmin)
      throw forbidden(`Policy doesn't allow os_compute_api:${action.adminRule} to be performed.`)
    return (await action.handle(input, server, asked)) ?? {}
  },
})
