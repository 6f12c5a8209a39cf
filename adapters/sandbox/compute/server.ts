import type { NativeId, Seen, ServerRealm, ServerSeen, ServerSpec } from '../../contract.ts'
import { consoleText } from '../console/text.ts'
import { type Engine, healthOf } from '../engine.ts'
import { noSuch, refusal } from '../errors.ts'
import { refuseForeign } from '../marks.ts'
import type { SizeSetting } from '../options.ts'
import { findImage } from '../records/catalog.ts'
import { type Entities, exists, type Hold, type Lookup } from '../records/entities.ts'
import { letGo, take } from '../records/hold.ts'
import { realm, referred, refuseUnsettled } from '../records/realm.ts'
import { ROOT } from '../storage/attachment.ts'
import { offShelf, rescueStep, shelveStep, unrescueStep, unshelveStep } from './aside.ts'
import { hostFor, leaveHost } from './hosts.ts'
import { moved, type PowerAction, powerOf } from './power.ts'
import { remoteConsole } from './remote-console.ts'
import { bootFromStep, findSize, foundBy, rebuildStep, refuseMisfit, resizeStep } from './reshape.ts'

type Server = Entities['server']

/** Ports that the server holds, in the order in which the guest sees them. */
const pluggedPorts = async ({ id, ports }: Server, lookup: Lookup, now: number): Promise<Entities['port'][]> => {
  const found = await Promise.all([...new Set(ports)].map((port) => lookup('port', port)))
  return found.filter((port) => port !== null).filter(({ hold }) => holds(hold, id, now))
}

const holds = (hold: Hold | null, server: NativeId, now: number): boolean =>
  hold?.server === server && (hold.goneAt === null || hold.goneAt > now)

/** @throws `not_found`, or a refusal for a port of somebody else or of another zone */
const checkPorts = async (engine: Engine, spec: ServerSpec): Promise<void> => {
  for (const id of spec.ports) {
    const port = await referred(engine, 'port', id)
    refuseForeign(port, engine.connection)
    if (port.zone !== null && port.zone !== spec.zone) {
      throw refusal('WrongZone', `A port is in zone ${port.zone}, the server in ${spec.zone}.`)
    }
  }
}

/** What its root disk is made of, or the volume that it has in its place; how large that is on the host. */
const rootOf = async (engine: Engine, spec: ServerSpec, size: SizeSetting): Promise<number> => {
  if (!spec.boot) {
    const image = await findImage(engine, spec.image)
    refuseMisfit(size, image)
    return Math.max(size.disk_gib, image.minDiskGiB)
  }
  const volume = await referred(engine, 'volume', spec.boot.volume)
  refuseForeign(volume, engine.connection)
  if (volume.zone !== spec.zone)
    throw refusal('WrongZone', `The volume is in zone ${volume.zone}, the server in ${spec.zone}.`)
  refuseMisfit(size, { arch: spec.boot.arch, minDiskGiB: 0 })
  return 0
}

/** What a server is made of. Its room, its ports and its volume are its own from here on, or else nobody's. */
const draft = async (engine: Engine, spec: ServerSpec, id: NativeId, key: string) => {
  const { room, settings } = engine
  const { zone } = room.zone(spec.zone) && spec
  const size = findSize(engine, spec.size.native, zone)
  if (spec.option === 'spot' && size.spot_price === undefined)
    throw refusal('InvalidValue', `Size ${size.name} is not sold as spot.`)
  const diskGiB = await rootOf(engine, spec, size)
  const keypair = spec.keypair === null ? null : await referred(engine, 'keypair', spec.keypair)
  await checkPorts(engine, spec)
  const host = await hostFor(engine, spec, id, key)
  try {
    await room.take(zone, key, [size.vcpus, size.ram_mib, diskGiB])
  } catch (error) {
    await leaveHost(engine, spec, key, engine.now())
    throw error
  }
  const now = engine.now()
  const hold: Hold = { server: id, at: now, readyAt: now, goneAt: null, mark: null, device: null }
  const volumes = spec.boot ? [{ id: spec.boot.volume, device: ROOT }] : []
  try {
    for (const port of spec.ports) await take(engine, 'port', port, hold)
    for (const volume of volumes) await take(engine, 'volume', volume.id, { ...hold, device: volume.device })
  } catch (error) {
    for (const port of spec.ports) await letGo(engine, 'port', port, id, engine.now())
    for (const volume of volumes) await letGo(engine, 'volume', volume.id, id, engine.now())
    await room.release(zone, key, engine.now())
    await leaveHost(engine, spec, key, engine.now())
    throw error
  }
  const builtAt = now + settings.build_ms
  return {
    name: spec.name,
    zone,
    // Nothing here runs it, and it may hold passwords.
    spec: { ...spec, userData: null },
    guest: foundBy(spec, keypair?.fingerprint ?? null),
    power: 'running' as const,
    powerAt: builtAt,
    bootAt: builtAt,
    offAt: null,
    size: size.name,
    image: spec.image,
    metadata: spec.metadata,
    rebuilt: null,
    host,
    ports: spec.ports,
    volumes,
  }
}

/** What a server is seen as; of its ports and volumes those that it holds now. */
const view = async (engine: Engine, server: Server, seen: Seen, lookup: Lookup): Promise<ServerSeen> => {
  const now = engine.now()
  const { size, image, host, id } = server
  const volumes: ServerSeen['volumes'] = []
  for (const { id: volumeId, device } of server.volumes) {
    const volume = await lookup('volume', volumeId)
    if (volume && holds(volume.hold, id, now))
      volumes.push({ id: volumeId, device, root: server.spec.boot?.volume === volumeId })
  }
  const ports = (await pluggedPorts(server, lookup, now)).map(({ id, spec }) => ({
    id,
    mac: spec.mac,
    addresses: spec.addresses.map(({ address }) => address),
  }))
  return {
    ...seen,
    power: powerOf(server, now),
    size,
    ...(image === '' ? {} : { image }),
    volumes,
    ports,
    host,
    ...(server.rescued ? { rescued: true as const } : {}),
    ...(server.bootAt <= now ? { bootedAt: server.bootAt } : {}),
    ...(server.announcedAt !== undefined && seen.health !== 'gone'
      ? { announced: { at: server.announcedAt, words: 'Spot capacity is needed elsewhere within two minutes.' } }
      : {}),
    ...(server.reclaimed !== undefined && seen.health === 'gone'
      ? { reclaimed: { at: server.goneAt, words: server.reclaimed } }
      : {}),
  }
}

const readServer = async (engine: Engine, server: Server, lookup: Lookup): Promise<ServerSpec> => {
  const { name, spec, size: native, image, metadata } = server
  const size = engine.settings.sizes.find((each) => each.name === native)
  const amount = size && { vcpus: size.vcpus, ramMiB: size.ram_mib, diskGiB: size.disk_gib }
  const ports = (await pluggedPorts(server, lookup, engine.now())).map(({ id }) => id)
  return { ...spec, name, image, metadata, ports, size: { ...spec.size, ...amount, native } }
}

const consoleLog = async (engine: Engine, id: NativeId): Promise<string> => {
  const { lookup } = engine.state
  const server = await lookup('server', id)
  if (!server || !exists(server, engine.now())) throw noSuch('server', id)
  if (healthOf(server, engine.now()) === 'failed') return ''
  const ports = await pluggedPorts(server, lookup, engine.now())
  return consoleText(server, ports, engine.now(), engine.settings.boot_ms)
}

/** What lets a server run that was off. */
const BOOTS = new Set<PowerAction>(['start', 'hard_reboot'])

/** Servers. They take room in their zone, hold their ports, and free both when they are gone. */
export const servers = (engine: Engine): ServerRealm => {
  const { state, settings, room } = engine

  const base = realm<'server', ServerSpec, ServerSeen>(engine, {
    kind: 'server',
    readyMs: settings.build_ms,
    removeMs: settings.delete_ms,
    draft: (spec, id, key) => draft(engine, spec, id, key),
    view: (server, seen, lookup) => view(engine, server, seen, lookup),
    read: (server, lookup) => readServer(engine, server, lookup),
    async release({ id, spec, ports, volumes }, goneAt) {
      await room.release(spec.zone, state.key('server', id), goneAt)
      await leaveHost(engine, spec, state.key('server', id), goneAt)
      for (const port of ports) await letGo(engine, 'port', port, id, goneAt)
      for (const volume of volumes) await letGo(engine, 'volume', volume.id, id, goneAt)
    },
  })

  const act = (method: string, id: NativeId, action: PowerAction): Promise<void> =>
    engine.call(`server.${method}`, { id }, async () => {
      await state.change('server', id, async (server) => {
        refuseUnsettled(engine, server)
        return moved(engine, BOOTS.has(action) ? await offShelf(engine, server) : server, action)
      })
    })

  return {
    ...base,
    start: (id) => act('start', id, 'start'),
    stop: (id) => act('stop', id, 'stop'),
    reboot: (id, hard) => act('reboot', id, hard ? 'hard_reboot' : 'reboot'),
    pause: (id) => act('pause', id, 'pause'),
    unpause: (id) => act('unpause', id, 'unpause'),
    suspend: (id) => act('suspend', id, 'suspend'),
    resume: (id) => act('resume', id, 'resume'),
    resize: (id, size, power) => engine.call('server.resize', { id }, () => resizeStep(engine, id, size, power)),
    reseeds: true,
    rebuild: (id, image, token, seed) =>
      engine.call('server.rebuild', { id }, () => rebuildStep(engine, id, image, token, seed)),
    rescue: (id, image, token) => engine.call('server.rescue', { id }, () => rescueStep(engine, id, image, token)),
    unrescue: (id) => engine.call('server.unrescue', { id }, () => unrescueStep(engine, id)),
    shelve: (id) => engine.call('server.shelve', { id }, () => shelveStep(engine, id)),
    unshelve: (id) => engine.call('server.unshelve', { id }, () => unshelveStep(engine, id)),
    bootFrom: (id, volume, power) =>
      engine.call('server.bootFrom', { id }, () => bootFromStep(engine, id, volume, power)),
    remoteConsole: remoteConsole(engine, (id) => consoleLog(engine, id)),
    consoleLog: (id) => engine.call('server.consoleLog', { id }, () => consoleLog(engine, id)),
    describe: (id, { name, metadata }) =>
      engine.call('server.describe', { id }, async () => {
        await state.change('server', id, (server) => {
          refuseForeign(server, engine.connection)
          if (!exists(server, engine.now())) throw noSuch('server', id)
          return { ...server, name, metadata }
        })
      }),
  }
}
