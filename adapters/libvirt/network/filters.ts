import { createHash } from 'node:crypto'
import type { NativeId } from '../../contract.ts'
import { CloudError } from '../../errors.ts'
import { domainsOn } from '../records/domain.ts'
import { fewAtATime } from '../records/few.ts'
import { GROUPS, type PortRecord, portParts, portsOn } from '../records/tables.ts'
import { orNull } from '../records/volume.ts'
import type { Host, Keep } from '../wire/host.ts'
import { DEFINE_FILTER, FIND_FILTER, LIST_FILTERS, UNDEFINE_FILTER } from '../wire/procedures.ts'
import { filterXml, type Scene } from './filter.ts'

const digestOf = (text: string): string => createHash('sha256').update(`libvirt ${text}`).digest('hex')

/** What the names of all filters of a cloud begin with: a filter has no other place for a mark. */
const prefixOf = ({ cloudId }: Keep): string => `plimsoll-${digestOf(`cloud ${cloudId}`).slice(0, 8)}-`

/** The name of the filter that a port has on its host. */
export const filterName = (keep: Keep, id: NativeId): string => prefixOf(keep) + digestOf(`filter ${id}`).slice(0, 32)
const filterUuid = ({ cloudId }: Keep, id: NativeId): string =>
  digestOf(`filter ${cloudId} ${id}`).replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*$/, '$1-$2-4$3-8$4-$5')

const sceneOn = async (host: Host): Promise<Scene> => {
  const [ports, groups] = await Promise.all([portsOn(host), GROUPS.all(host.keep)])
  return { ports, groups: new Map(groups.map((group) => [group.id, group])) }
}

/** What a filter of ports on that network depends on beside the port itself. */
const lookOf = ({ ports, groups }: Scene): string => JSON.stringify([ports, [...groups.values()]])

const TRIES = 20

/**
 * Makes the filters of some ports of a host say what is kept of ports and groups; where these run the change holds at once. What
 * others change meanwhile is looked at before this ends, so that whoever comes last has said all.
 */
export const keepFilters = async (
  host: Host,
  concerned: (port: PortRecord, scene: Scene) => boolean,
): Promise<void> => {
  for (let i = 0; i < TRIES; i++) {
    const scene = await sceneOn(host)
    const ports = scene.ports.filter((port) => !port.leaving && concerned(port, scene))
    await fewAtATime(ports, (port) => {
      const xml = filterXml(filterName(host.keep, port.id), filterUuid(host.keep, port.id), scene, port)
      return host.call(DEFINE_FILTER, { xml })
    })
    if (lookOf(await sceneOn(host)) === lookOf(scene)) return
  }
  throw new CloudError('conflict', 'Others change ports and groups of this cloud at the same time.')
}

/** Whether a rule of the port's groups names one of these. */
export const names = (port: PortRecord, { groups }: Scene, named: NativeId[]): boolean =>
  port.spec.securityGroups.some((id) =>
    groups.get(id)?.spec.rules.some(({ group }) => group !== null && named.includes(group === 'self' ? id : group)),
  )

/** Takes the filter of a port away. @throws `conflict` while a machine that runs has it */
export const dropFilter = async (host: Host, id: NativeId): Promise<void> => {
  const found = await orNull(host.call(FIND_FILTER, { name: filterName(host.keep, id) }))
  if (found) await host.call(UNDEFINE_FILTER, { filter: found.filter })
}

/**
 * Takes away filters of this cloud that are of no port: whoever made one had not heard that its port was gone. What a machine is
 * defined with stays, whether it runs or not.
 */
export const sweepFilters = async (host: Host): Promise<void> => {
  const { items } = await host.call(LIST_FILTERS, { wanted: 1, flags: 0 })
  // A port is written down before its filter is made: who has one shows it by now.
  const known = new Set((await portsOn(host)).map(({ id }) => filterName(host.keep, id)))
  const strays = items.filter(({ name }) => name.startsWith(prefixOf(host.keep)) && !known.has(name))
  if (!strays.length) return
  const used = new Set((await domainsOn(host)).flatMap(({ filters }) => filters))
  for (const filter of strays) if (!used.has(filter.name)) await orNull(host.call(UNDEFINE_FILTER, { filter }))
}

/** Names of the hosts on which ports in a group are. */
export const hostsWith = (ports: PortRecord[], group: NativeId): string[] => [
  ...new Set(
    ports.filter(({ spec }) => spec.securityGroups.includes(group)).flatMap(({ id }) => portParts(id)?.host ?? []),
  ),
]
