import { defaultWayOut } from '../../../../db/queries/network/allocatable.ts'
import {
  type NetworkRow,
  type NetworkView,
  networkHasPorts,
  networkLeads,
  pin,
} from '../../../../db/queries/network/network.ts'
import { zonesOfProject } from '../../../../db/queries/network/segments.ts'
import type { Context } from '../../../context.ts'
import { adapterOf } from '../../clouds/adapter.ts'
import { guard, type Write } from '../../line/commit.ts'
import { conflicting, invalidInput, type NetworkRefused } from '../network-refusal.ts'

/*
 * External networks that administrators make: on one cloud, with subnets whose addresses are those outside
 * (neutron/db/external_net_db.py). What stands for the way out that a cloud comes with is none of them.
 */

/** Refuses, in its adapter's sentence, a cloud that has no external networks but its own way out. */
export const refuseNoOutside = async (context: Pick<Context, 'db'>, cloudId: string): Promise<void> => {
  const cloud = await adapterOf(context, cloudId)
  const lack = cloud?.adapter.lacks['network.external']
  if (cloud && lack) throw invalidInput(`cloud ${cloud.name} makes no external networks: ${lack.replace(/\.$/, '')}`)
}

/** The cloud of an external network that nobody placed: the first of its project that makes some. Throws `InvalidInput` where none does. */
export const homeOutside = async ({ db }: Context, projectId: string): Promise<string> => {
  const reasons: string[] = []
  const clouds = new Map((await zonesOfProject(db, projectId)).map(({ cloudId, cloudName }) => [cloudId, cloudName]))
  for (const [cloudId, name] of clouds) {
    const lack = (await adapterOf({ db }, cloudId))?.adapter.lacks['network.external']
    if (lack === undefined) return cloudId
    reasons.push(`${name}: ${lack.replace(/\.$/, '')}`)
  }
  throw invalidInput(
    `the project is mapped to no cloud that makes external networks${reasons.length ? ` (${reasons.join('; ')})` : ''}`,
  )
}

/** What guards of a network that comes to lead outside, or ceases to, stand for. */
export const outsideReasons = (id: string): Record<string, () => NetworkRefused> => ({
  'network-has-ports': () =>
    conflicting(
      'NetworkInUse',
      `Unable to complete operation on network ${id}. There are one or more ports still in use on the network.`,
    ),
  'network-leads': () =>
    conflicting(
      'ExternalNetworkInUse',
      `External network ${id} cannot be updated to be made non-external, since it has existing gateway ports.`,
    ),
})

/** Writes and guards by which a network comes to lead outside, or ceases to. */
export const planExternal = async (context: Context, network: NetworkView, external: boolean): Promise<Write[]> => {
  const { id, projectId, cloudId, segments, routed } = network
  if (!external) return [guard(context, 'network-leads', networkLeads(id))]
  if (routed || segments.length > 1) throw invalidInput(`network ${id} has segments; an external network has one`)
  if (cloudId !== null) await refuseNoOutside(context, cloudId)
  const home = cloudId ?? (await homeOutside(context, projectId))
  return [
    guard(context, 'network-has-ports', networkHasPorts(id)),
    ...(cloudId === null ? [pin(context.db, [id], home, context.now())] : []),
  ]
}

/** There is one default way out at most (neutron/services/auto_allocate/db.py). `id`: the network that is to be it; null: a new one. */
export const refuseSecondDefault = async (
  { db }: Context,
  { id, external }: { id: string | null; external: boolean },
): Promise<void> => {
  if (!external) throw invalidInput('is_default is of external networks only')
  const there = await defaultWayOut(db)
  if (there !== null && there !== id)
    throw conflicting('DefaultExternalNetworkExists', `A default external network already exists: ${there}.`)
}

/** Whether the caller may have ports there: administrators, on external networks that have addresses to give. */
export const mayBeOutside = ({ scope }: Pick<Context, 'scope'>, network: Pick<NetworkRow, 'external' | 'projectId'>) =>
  !network.external || ('every' in scope && network.projectId !== '')
