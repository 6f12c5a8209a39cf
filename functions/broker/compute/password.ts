import { CloudError } from '../../../adapters/errors.ts'
import type { ServerRow } from '../../../db/queries/compute/servers.ts'
import type { Context } from '../../context.ts'
import { commit } from '../line/commit.ts'
import { handedOver } from '../line/handed-over.ts'
import { note, requireCapability, requireState } from './server-action.ts'
import { refuse } from './server-refusal.ts'
import { reach } from './stream.ts'

/** Sets the password of the guest's administrator while its user waits: it is in no row and in no queue. */
export const changePassword = async (context: Context, server: ServerRow, password: string): Promise<void> => {
  requireState(context, server, 'changePassword')
  await requireCapability(context, server, 'server.change_password', (cloud) => cloud.server.changePassword)
  const { cloud, binding, native } = await reach(context, server)
  const foreign = handedOver(binding.ownership)
  if (foreign) throw foreign
  await cloud.server.changePassword!(native, password).catch((error) => {
    if (error instanceof CloudError && ['conflict', 'definitive'].includes(error.code))
      return refuse({ kind: 'incapable', reason: `Failed to set admin password on ${server.id}: ${error.message}` })
    throw error
  })
  await commit(context, { action: 'changePassword', kind: 'server', resourceId: server.id }, [
    note(context, server, 'changePassword'),
  ])
}
