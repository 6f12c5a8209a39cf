import { child, childrenOf, textOf } from '../shared/xml.ts'
import type { Context } from './context.ts'
import type { Ref } from './wire/soap.ts'

/** For rules of a cluster, which keep servers of a group together or apart. */
export const EDIT_RULES = 'Host.Inventory.EditCluster'

/** Of these privileges those that our user has not on an object; none where vCenter cannot be asked. */
export const lackedOn = async ({ vim }: Context, entity: Ref, privId: string[]): Promise<string[]> => {
  const { authorization } = await vim.content()
  if (!authorization) return []
  const userName = await vim.user()
  const answer = await vim.call(authorization, 'HasUserPrivilegeOnEntities', { entities: [entity], userName, privId })
  return childrenOf(child(answer, 'returnval'), 'privAvailability')
    .filter((each) => textOf(each, 'isGranted') === 'false')
    .map((each) => textOf(each, 'privId') ?? '')
}
