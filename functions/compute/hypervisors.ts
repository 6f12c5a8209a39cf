import * as z from 'zod'
import type { ZoneRow } from '../../db/queries/clouds/zones.ts'
import { type ZoneHolding, zonesHolding } from '../../db/queries/compute/usage.ts'
import { badRequest, notFound, notImplemented } from '../http/fault.ts'
import { type Input, type Operation, operation } from '../http/operation.ts'
import { pageRequest } from '../http/pagination.ts'
import { isUp } from './availability-zones.ts'
import { nextLink } from './links.ts'
import { boolean, query } from './parameters.ts'
import { idIn, serviceId } from './services.ts'

type Hypervisor = ZoneHolding

/** Made once: to make one takes longer than to read all of them. */
const yesOrNo = boolean()
const guid = z.guid()

/** Every zone of every cloud, with as much of what our servers take of it as is shown. */
const all = ({ context }: Pick<Input, 'context'>, shown: { taken?: boolean; servers?: boolean } = {}) =>
  zonesHolding(context.db, { taken: shown.taken ?? false, servers: shown.servers ?? false })

const nameOf = ({ zone }: Hypervisor) => `${zone.cloud}.${zone.name}`
const idOf = ({ zone }: Hypervisor, version: number) => idIn(version, `hypervisor/${zone.cloudId}/${zone.name}`)

const briefView = (hypervisor: Hypervisor, { version, context }: Pick<Input, 'version' | 'context'>) => ({
  id: idOf(hypervisor, version),
  hypervisor_hostname: nameOf(hypervisor),
  state: isUp({ ...hypervisor.zone, enabled: true, placing: true }, context.now()) ? 'up' : 'down',
  status: hypervisor.zone.enabled && hypervisor.zone.placing ? 'enabled' : 'disabled',
})

/** Where a cloud does not say how much is free, what our servers take is all there is. */
const room = ({ zone, taken }: Hypervisor) => {
  const used = { vcpus: taken?.vcpus ?? 0, ram: taken?.ramMib ?? 0, disk: taken?.diskGib ?? 0 }
  return {
    vcpus: used.vcpus + (zone.freeVcpus ?? 0),
    vcpus_used: used.vcpus,
    memory_mb: used.ram + (zone.freeRamMib ?? 0),
    memory_mb_used: used.ram,
    free_ram_mb: zone.freeRamMib ?? 0,
    local_gb: used.disk,
    local_gb_used: used.disk,
    free_disk_gb: 0,
    disk_available_least: null,
    running_vms: taken?.servers ?? 0,
    current_workload: 0,
  }
}

const view = (hypervisor: Hypervisor, input: Pick<Input, 'version' | 'context'>) => {
  const { zone } = hypervisor
  const { version } = input
  return {
    ...briefView(hypervisor, input),
    hypervisor_type: zone.type,
    hypervisor_version: 1,
    host_ip: null,
    service: { id: serviceId(version, zone.cloudId), host: zone.cloud, disabled_reason: zone.placingReason },
    ...(version < 88 ? { ...room(hypervisor), cpu_info: version >= 28 ? {} : '' } : { uptime: null }),
  }
}

/** What is shown of each: with `detail` what is taken, before 2.88; with `with_servers` those that take it. */
const shownOf = ({ query: asked, version }: Pick<Input, 'query' | 'version'>, detail: boolean) => {
  const wanted = version >= 53 && asked.with_servers ? yesOrNo.safeParse(asked.with_servers) : null
  if (wanted?.success === false)
    throw badRequest(`Invalid input for query parameters with_servers. Value: ${asked.with_servers}.`)
  return { taken: detail && version < 88, servers: wanted?.data ?? false }
}
type Shown = ReturnType<typeof shownOf>

/** An empty list is left out before 2.75. */
const serversIn = ({ servers }: Hypervisor, shown: Shown, version: number) =>
  shown.servers && (servers.length || version >= 75) ? { servers } : {}

const page = async (input: Input, shown: Shown): Promise<Hypervisor[]> => {
  const { query: asked, version } = input
  const found = await all(input, shown)
  const pattern = version >= 53 ? asked.hypervisor_hostname_pattern : undefined
  if (pattern !== undefined) {
    if (asked.limit !== undefined || asked.marker !== undefined)
      throw badRequest('Paging over hypervisors with the hypervisor_hostname_pattern query parameter is not supported.')
    return matching(found, pattern)
  }
  if (version < 33) return found
  const { limit, marker } = pageRequest(asked)
  const at = marker === undefined ? -1 : found.findIndex((each) => String(idOf(each, version)) === marker)
  if (marker !== undefined && at < 0) throw badRequest(`marker [${marker}] not found`)
  return found.slice(at + 1, at + 1 + limit)
}

const matching = (hypervisors: Hypervisor[], pattern: string): Hypervisor[] => {
  const found = hypervisors.filter((each) => nameOf(each).includes(pattern))
  if (!found.length) throw notFound(`No hypervisor matching '${pattern}' could be found.`)
  return found
}

const one = async (input: Input, shown?: Shown): Promise<Hypervisor> => {
  const id = input.params.id!
  if (input.version >= 53 && !guid.safeParse(id).success) throw badRequest(`Invalid uuid ${id}`)
  const found = (await all(input, shown)).find((each) => String(idOf(each, input.version)) === id)
  if (!found) throw notFound(`Hypervisor with ID '${id}' could not be found.`)
  return found
}

const list = (detail: boolean) => ({
  method: 'GET' as const,
  who: 'admin' as const,
  status: 200,
  query: query(['limit', 'marker', 'hypervisor_hostname_pattern', 'with_servers'], 53),
  handle: async (input: Input) => {
    const shown = shownOf(input, detail)
    const found = await page(input, shown)
    const hypervisors = found.map((each) => ({
      ...(detail ? view : briefView)(each, input),
      ...serversIn(each, shown, input.version),
    }))
    const paged = input.version >= 33 && input.query.hypervisor_hostname_pattern === undefined
    const path = detail ? '/os-hypervisors/detail' : '/os-hypervisors'
    const ids = hypervisors.map(({ id }) => String(id))
    return { body: { hypervisors, ...(paged ? nextLink(input, 'hypervisors_links', path, ids) : {}) } }
  },
})

/** To Nova's operators each zone of a cloud is a hypervisor. https://docs.openstack.org/api-ref/compute/#hypervisors-os-hypervisors */
export const hypervisorOperations: Operation[] = [
  operation({
    ...list(false),
    name: 'hypervisor.list',
    path: '/os-hypervisors',
    summary: 'Zones of all clouds, as hypervisors.',
  }),
  operation({
    ...list(true),
    name: 'hypervisor.detail',
    path: '/os-hypervisors/detail',
    summary: 'The same with what they hold.',
  }),
  operation({
    name: 'hypervisor.statistics',
    method: 'GET',
    path: '/os-hypervisors/statistics',
    who: 'admin',
    summary: 'Sums over all of them, up to 2.87.',
    status: 200,
    until: 87,
    handle: async (input) => {
      const rooms = (await all(input, { taken: true })).map(room)
      const { disk_available_least, ...none } = room({
        zone: { freeVcpus: 0, freeRamMib: 0 } as ZoneRow,
        taken: undefined,
        servers: [],
      })
      const sums = Object.fromEntries(
        Object.keys(none).map((key) => [key, rooms.reduce((sum, each) => sum + each[key as keyof typeof none], 0)]),
      )
      return { body: { hypervisor_statistics: { count: rooms.length, ...sums, disk_available_least } } }
    },
  }),
  operation({
    name: 'hypervisor.show',
    method: 'GET',
    path: '/os-hypervisors/:id',
    who: 'admin',
    summary: 'One zone of a cloud, as a hypervisor.',
    status: 200,
    query: query(['with_servers'], 53),
    handle: async (input) => {
      const shown = shownOf(input, true)
      const hypervisor = await one(input, shown)
      return { body: { hypervisor: { ...view(hypervisor, input), ...serversIn(hypervisor, shown, input.version) } } }
    },
  }),
  operation({
    name: 'hypervisor.uptime',
    method: 'GET',
    path: '/os-hypervisors/:id/uptime',
    who: 'admin',
    summary: 'Refused: clouds do not tell. Up to 2.87.',
    status: 200,
    until: 87,
    handle: async (input) => {
      await one(input)
      throw notImplemented('Virt driver does not implement uptime function.')
    },
  }),
  operation({
    name: 'hypervisor.search',
    method: 'GET',
    path: '/os-hypervisors/:pattern/search',
    who: 'admin',
    summary: 'Hypervisors whose name contains a text, up to 2.52.',
    status: 200,
    until: 52,
    handle: async (input) => {
      const found = matching(await all(input), input.params.pattern!)
      return { body: { hypervisors: found.map((each) => briefView(each, input)) } }
    },
  }),
  operation({
    name: 'hypervisor.servers',
    method: 'GET',
    path: '/os-hypervisors/:pattern/servers',
    who: 'admin',
    summary: 'The same with their servers, up to 2.52.',
    status: 200,
    until: 52,
    handle: async (input) => {
      const found = matching(await all(input, { servers: true }), input.params.pattern!)
      const withServers = (each: Hypervisor) => (each.servers.length ? { servers: each.servers } : {})
      return { body: { hypervisors: found.map((each) => ({ ...briefView(each, input), ...withServers(each) })) } }
    },
  }),
]
