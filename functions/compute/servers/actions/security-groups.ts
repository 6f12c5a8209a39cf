import * as z from 'zod'
import { addGroup, removeGroup } from '../../../broker/compute/interfaces/security-groups.ts'
import { text } from '../../parameters.ts'
import { type Action, action } from './action.ts'

const group = z.strictObject({
  name: text(1).refine((name) => name.trim() !== '', { error: 'Security group name cannot be empty' }),
})
type Group = z.infer<typeof group>

export const securityGroupActions: Action[] = [
  action<Group>({
    name: 'addSecurityGroup',
    body: group,
    handle: async ({ context }, server, { name }) => {
      await addGroup(context, server, name)
      return undefined
    },
  }),
  action<Group>({
    name: 'removeSecurityGroup',
    body: group,
    handle: async ({ context }, server, { name }) => {
      await removeGroup(context, server, name)
      return undefined
    },
  }),
]
