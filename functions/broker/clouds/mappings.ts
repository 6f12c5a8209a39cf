import type { Json } from '../../../adapters/contract.ts'
import { adapterFor } from '../../../adapters/registry.ts'
import {
  type CloudRow,
  deleteMapping,
  holdsBindings,
  mappingOf,
  upsertMapping,
} from '../../../db/queries/clouds/clouds.ts'
import type { Context } from '../../context.ts'
import { commit, guard } from '../line/commit.ts'
import { connectionTo, mappingFaults } from './connection.ts'
import { filtersFault } from './filters.ts'

export { NotMapped } from './not-connected.ts'

/**
 * Lets a project use a cloud, as the account, role, network or folder that `mapping` names. Refused (guard `account-holds`) if
 * the project has something there that only the account of before can see.
 */
export const mapProject = async (
  context: Context,
  projectId: string,
  cloud: CloudRow,
  mapping: Record<string, Json>,
): Promise<void> => {
  const before = await mappingOf(context.db, projectId, cloud.id)
  const moves =
    before !== null && (await accountOf(context, cloud, before.mapping)) !== (await accountOf(context, cloud, mapping))
  await commit(context, { action: 'map', kind: 'project', resourceId: projectId, detail: { cloud: cloud.name } }, [
    ...(moves ? [guard(context, 'account-holds', holdsBindings(cloud.id, projectId))] : []),
    upsertMapping(context.db, { projectId, cloudId: cloud.id, mapping, createdAt: context.now(), listedAt: null }),
  ])
}

/** Why a project cannot be mapped to a cloud like this, in sentences: what the broker itself reads of a mapping. */
export const faultsOfMapping = async (cloud: CloudRow, mapping: Record<string, Json>): Promise<string[]> => {
  const adapter = await adapterFor(cloud.type)
  const said = mapping.filters ?? cloud.options.filters
  const fault = adapter && filtersFault(said, mapping, { name: cloud.name, adapter })
  return [...mappingFaults(mapping), ...(fault ? [fault] : [])]
}

/** Which objects of a cloud a project sees that is mapped to it like this: two of one account see the same. */
export const accountOf = async (
  context: Context,
  cloud: CloudRow,
  mapping: Record<string, Json>,
): Promise<string | undefined> => (await adapterFor(cloud.type))?.account(connectionTo(context, cloud, mapping))

/** Takes a project's access away; refused (guard `project-holds`) while the project has something there. */
export const unmapProject = (context: Context, projectId: string, cloud: CloudRow): Promise<void> =>
  commit(context, { action: 'unmap', kind: 'project', resourceId: projectId, detail: { cloud: cloud.name } }, [
    guard(context, 'project-holds', holdsBindings(cloud.id, projectId)),
    deleteMapping(context.db, projectId, cloud.id),
  ])
