import * as z from 'zod'
import { MOST_DISKS } from '../../broker/compute/disks/disk.ts'
import { refuseFilesBeyond, withFiles } from '../../broker/compute/personality.ts'
import { TTL } from '../../broker/compute/place/hints.ts'
import { createServers } from '../../broker/compute/server-create.ts'
import type { Nic, ServerWish } from '../../broker/compute/server-wish.ts'
import { FORK_OF } from '../../broker/image/image.ts'
import { badRequest, conflict, forbidden } from '../../http/fault.ts'
import { type Input, type Operation, operation } from '../../http/operation.ts'
import { links } from '../links.ts'
import { boolean, integer, name, text } from '../parameters.ts'
import { type DeviceMapping, deviceMapping, disksOf, legacyMapping } from './devices.ts'
import {
  accessAddress,
  address,
  canonical,
  description,
  diskConfig,
  distinct,
  fieldsIf,
  flavorRef,
  hostname,
  isUuid,
  metadata,
  newPassword,
  personality,
  perVersion,
  tag,
  tags,
  userData,
  uuid,
} from './fields.ts'
import { type Hints, hints } from './hints.ts'
import { refuseOurMetadata } from './our-metadata.ts'

const network = (version: number) =>
  z.strictObject({
    uuid: (version >= 37 ? uuid() : text(0, 255)).optional(),
    port: uuid().nullish(),
    fixed_ip: address().transform(canonical).optional(),
    ...fieldsIf(version === 32 || version >= 42, { tag: tag().optional() }),
  })

const networks = (version: number) => {
  const list = z.array(network(version))
  return version >= 37
    ? z.union([list, z.enum(['auto', 'none'])], {
        error: () => "it is neither a list of networks nor one of ['none', 'auto']",
      })
    : list.optional()
}

/** https://docs.openstack.org/api-ref/compute/#create-server */
const creation = perVersion((version) =>
  z.strictObject({
    server: z.strictObject({
      name: name(),
      imageRef: z
        .union([uuid(), z.literal('')], { error: (issue) => `${JSON.stringify(issue.input)} is not a 'uuid'` })
        .optional(),
      flavorRef: flavorRef(),
      adminPass: text(0, 10_000).optional(),
      metadata: metadata().optional(),
      networks: networks(version),
      'OS-DCF:diskConfig': diskConfig().optional(),
      accessIPv4: accessAddress(4).optional(),
      accessIPv6: accessAddress(6).optional(),
      availability_zone: name().optional(),
      block_device_mapping: z.array(legacyMapping).max(MOST_DISKS).optional(),
      block_device_mapping_v2: z.array(deviceMapping(version)).max(MOST_DISKS).optional(),
      config_drive: boolean().optional(),
      key_name: name().optional(),
      min_count: integer(1).optional(),
      max_count: integer(1).optional(),
      return_reservation_id: boolean().optional(),
      security_groups: z.array(z.strictObject({ name: name().optional() })).optional(),
      user_data: userData().optional(),
      ...fieldsIf(version >= 19, { description: description().optional() }),
      ...fieldsIf(version >= 52, { tags: tags().optional() }),
      ...fieldsIf(version < 57, {
        personality: personality().optional(),
      }),
      ...fieldsIf(version >= 63, { trusted_image_certificates: z.array(text(1)).min(1).max(50).nullish() }),
      ...fieldsIf(version >= 74, { host: text(1).optional(), hypervisor_hostname: text(1).optional() }),
      ...fieldsIf(version >= 90, { hostname: hostname(version).optional() }),
    }),
    'os:scheduler_hints': hints().optional(),
    'OS-SCH-HNT:scheduler_hints': hints().optional(),
  }),
)

type Creation = z.infer<ReturnType<typeof creation>>
type ServerBody = Creation['server']
type NetworkBody = z.infer<ReturnType<typeof network>>

const hintsOf = (body: Creation): Hints =>
  (body['os:scheduler_hints'] ?? body['OS-SCH-HNT:scheduler_hints'] ?? {}) as Hints

const forkOf = ({ [FORK_OF]: of, [TTL]: ttl }: Hints): ServerWish['fork'] =>
  of === undefined && ttl === undefined ? null : { of: of ?? null, ttlSeconds: ttl ?? null }

/** What is accepted by the schema and cannot be honoured is refused, never passed over. */
const refuseUnoffered = (body: Creation): void => {
  const { server } = body
  if (server.personality?.length && forkOf(hintsOf(body)))
    throw badRequest(
      'A fork goes on from the memory or the disk of its parent: its guest writes no files of a personality.',
    )
  if (server.trusted_image_certificates?.length)
    throw badRequest('Image signature certificates are not checked by the clouds behind this broker.')
  if (server.host !== undefined || server.hypervisor_hostname !== undefined)
    throw badRequest('Clouds behind this broker do not let their hosts be chosen: name an availability zone.')
  if (server.availability_zone?.includes(':'))
    throw badRequest('Unable to parse availability_zone: clouds behind this broker do not let their hosts be chosen.')
  if (server.block_device_mapping?.length && server.block_device_mapping_v2?.length)
    throw badRequest('Using different block_device_mapping syntaxes is not allowed in the same request.')
}

const nicsOf = (given: ServerBody['networks']): ServerWish['nics'] => {
  if (given === undefined) return 'any'
  if (given === 'none') return []
  if (given === 'auto') return 'auto'
  const nics = given.map(nicOf)
  const ports = nics.flatMap((nic) => ('portId' in nic ? nic.portId : []))
  const twice = ports.find((id, index) => ports.indexOf(id) !== index)
  if (twice !== undefined)
    throw badRequest(`Port ID '${twice}' was specified twice: you cannot attach a port multiple times.`)
  // An empty list is what old clients send who do not care.
  return nics.length ? nics : 'any'
}

const nicOf = ({ uuid: id, port, fixed_ip, tag: deviceTag }: NetworkBody): Nic => {
  if (deviceTag !== undefined)
    throw badRequest(
      'Device tags of networks are not offered: the clouds behind this broker do not show them to guests.',
    )
  if (port) {
    if (fixed_ip !== undefined)
      throw badRequest(
        `Specified Fixed IP '${fixed_ip}' cannot be used with port '${port}': the two cannot be specified together.`,
      )
    return { portId: port }
  }
  if (id === undefined) throw badRequest('Bad network format: missing uuid')
  if (!isUuid(id)) throw badRequest(`Bad networks format: network uuid is not in proper format (${id})`)
  return { networkId: id, fixedIp: fixed_ip ?? null }
}

const legacyVolumes = (given: ServerBody['block_device_mapping'] = []): DeviceMapping[] =>
  given.map((m) => ({
    ...m,
    source_type: m.snapshot_id ? 'snapshot' : 'volume',
    // The first disk of the guest is the one it boots from.
    boot_index: m.device_name && /^(\/dev\/)?(x?v|s|h)da$/.test(m.device_name) ? 0 : -1,
  }))

const wishOf = ({ body, version }: Input<Creation>): ServerWish => {
  const { server } = body
  refuseUnoffered(body)
  const imageRef = server.imageRef ?? ''
  const fork = forkOf(hintsOf(body))
  // A fork has the image of its parent, whether that is named or not.
  const origin = imageRef || (fork?.of ?? '')
  const mappings = server.block_device_mapping_v2 ?? legacyVolumes(server.block_device_mapping)
  if (!origin && !mappings.length) throw badRequest('Missing imageRef attribute')
  const disks = disksOf(mappings, origin)
  const minCount = server.min_count ?? 1
  const maxCount = server.max_count ?? minCount
  if (minCount > maxCount) throw badRequest('min_count must be <= max_count')
  if (maxCount > 1 && server.hostname !== undefined)
    throw badRequest('Unable to allocate a single hostname to multiple instances')
  if (Object.keys(server.metadata ?? {}).length > 128) throw forbidden('Maximum number of metadata items exceeds 128')
  refuseOurMetadata(server.metadata ?? {})
  return {
    name: server.name.trim(),
    // Before descriptions were shown, they were the name.
    description: version >= 19 ? (server.description ?? null) : server.name.trim(),
    hostname: server.hostname ?? null,
    flavorId: server.flavorRef,
    imageId: imageRef,
    nics: nicsOf(server.networks),
    keyName: server.key_name ?? null,
    securityGroups: groupsOf(server.security_groups),
    metadata: server.metadata ?? {},
    tags: distinct(server.tags ?? []),
    userData: withFiles(server.user_data?.replace(/\s/g, '') ?? null, server.personality ?? []),
    configDrive: server.config_drive ?? false,
    zone: server.availability_zone ?? null,
    accessIpv4: server.accessIPv4 ?? '',
    accessIpv6: server.accessIPv6 ?? '',
    diskConfig: server['OS-DCF:diskConfig'] ?? 'MANUAL',
    minCount,
    maxCount,
    disks,
    fork,
    groupId: hintsOf(body).group ?? null,
    hints: hintsOf(body),
  }
}

const groupsOf = (given: ServerBody['security_groups']): string[] | null => {
  const names = given?.flatMap(({ name: each }) => each ?? []) ?? []
  return names.length ? names : null
}

export const createOperation: Operation = operation({
  name: 'server.create',
  method: 'POST',
  path: '/servers',
  who: 'member',
  summary: 'Creates servers. The answer comes before the cloud has heard of them: ask until status is ACTIVE or ERROR.',
  status: 202,
  body: creation,
  looksAlong: true,
  handle: async (input) => {
    const { context, body } = input
    const projectId = context.caller?.projectId ?? ''
    if (!projectId) throw conflict('The token is for no project.')
    await refuseFilesBeyond(context, projectId, body.server.personality ?? [])
    const [server] = await createServers(context, projectId, wishOf(input))
    if (body.server.return_reservation_id) return { body: { reservation_id: `r-${context.requestId.slice(4, 12)}` } }
    const self = links(input, 'servers', server!.id)
    return {
      headers: { Location: self[0]!.href },
      body: {
        server: {
          id: server!.id,
          links: self,
          'OS-DCF:diskConfig': server!.diskConfig,
          security_groups: body.server.security_groups ?? [{ name: 'default' }],
          adminPass: body.server.adminPass ?? newPassword(),
        },
      },
    }
  },
})
