import type { Mark, NativeId, Outcome, ServerRealm, ServerSeen, ServerSpec } from '../../contract.ts'
import { CloudError } from '../../errors.ts'
import { assertOurs } from '../../shared/marks.ts'
import { gone, refuse, unlessGone } from '../../shared/refusals.ts'
import type { Context } from '../context.ts'
import { inventoryOf, placeOf, zoneOf } from '../inventory.ts'
import { KEY, mayMark, plainName, readMark, tokenIn, tokenName, writeMark } from '../marks.ts'
import { backingOf } from '../network/port-group.ts'
import { sizeOf } from '../offers.ts'
import { isLibraryImage } from '../package/library.ts'
import { addCard, cardsOf, growDisk, removeDevice, rootDisk } from '../records/devices.ts'
import { extraConfig, guestinfo } from '../records/guestinfo.ts'
import {
  type Machine,
  machineByBios,
  machineByName,
  machineByUuid,
  machineOf,
  markOf,
  ourMachine,
  uuidOf,
} from '../records/machine.ts'
import { serversPage } from '../records/machine-pages.ts'
import { portsIn, writeTable } from '../records/port-record.ts'
import { stateOf } from '../records/server-state.ts'
import { ref, type Value } from '../wire/soap.ts'
import { type Kept, later, progressOf, settled, taskIn } from '../wire/tasks.ts'
import { remoteConsole } from './console.ts'
import { deployIn, deployments } from './deploy.ts'
import { instantClone } from './fork.ts'
import { type NewCard, newCardsFor } from './new-cards.ts'
import { readServer } from './read-server.ts'
import { abandonRebuild, rebuild } from './rebuild.ts'
import { resize } from './resize.ts'
import { consoleLog, serialLog } from './serial.ts'

export const serverSeen = async (context: Context, machine: Machine): Promise<ServerSeen> => {
  const { health, power, fault, known } = stateOf(machine.power, machine.connection)
  const id = machine.ref.id
  if (!known)
    context.surroundings.log('error', 'vSphere shows an unknown state', {
      id,
      power: machine.power ?? '',
      connection: machine.connection ?? '',
    })
  const mark = markOf(context, machine)
  const zone = zoneOf(await inventoryOf(context), machine.pool)
  const image = machine.own[KEY.image]
  return {
    id,
    ...(mark ? { mark } : {}),
    name: machine.own[KEY.name] ?? plainName(machine.name),
    health: machine.complete && !machine.unfinished ? health : 'pending',
    ...(fault ? { fault } : {}),
    ...(zone ? { zone } : {}),
    power: machine.complete ? power : 'changing',
    size: sizeOf(context, machine),
    ...(image ? { image } : {}),
    volumes: machine.devices.flatMap(({ disk }) => (disk?.disk ? [{ id: disk.disk, device: null, root: false }] : [])),
    ports: portsIn(context, machine).map(({ seen: { id: port, mac, addresses } }) => ({ id: port, mac, addresses })),
    ...(machine.host ? { host: machine.host } : {}),
    ...(machine.bootedAt ? { bootedAt: Date.parse(machine.bootedAt) } : {}),
  }
}

/** The settings that a spec puts into its machine. */
const settingsOf = (spec: ServerSpec, mark: Mark, uuid: string, newCards: NewCard[]): Record<string, string> => ({
  [KEY.mark]: writeMark(mark),
  [KEY.name]: spec.name,
  [KEY.size]: spec.size.native,
  [KEY.image]: spec.image,
  [KEY.ports]: writeTable(newCards.map(({ record }) => record)),
  [KEY.metadata]: Object.keys(spec.metadata).length > 0 ? JSON.stringify(spec.metadata) : '',
  ...guestinfo(
    spec,
    uuid,
    newCards.map(({ guest }) => guest),
  ),
})

/**
 * The CloneVM_Task parameters for a spec. The machine's cards are the spec's and no other: a template's own go.
 * @throws `definitive` for what vSphere cannot make as it is asked
 */
export const cloneFor = (
  spec: ServerSpec,
  mark: Mark,
  uuid: string,
  image: Machine,
  newCards: NewCard[],
  place: Omit<Awaited<ReturnType<typeof placeOf>>, 'cluster'>,
  log: Awaited<ReturnType<typeof serialLog>> = { devices: [], settings: {} },
): Record<string, Value> => {
  const root = rootDisk(image.devices)
  const least = (root?.disk?.capacityKiB ?? 0) / 1024 ** 2
  if (spec.size.diskGiB > 0 && spec.size.diskGiB < least)
    refuse(`The image needs a root disk of ${Math.ceil(least)} GiB.`)
  const grows = root && spec.size.diskGiB > least ? [growDisk(root, spec.size.diskGiB * 1024 ** 2)] : []
  return {
    folder: place.folder,
    name: tokenName(spec.name, mark.token),
    spec: {
      location: {
        datastore: place.datastore,
        pool: place.pool,
        profile: place.policy === null ? null : { _type: 'VirtualMachineDefinedProfileSpec', profileId: place.policy },
      },
      template: false,
      config: {
        instanceUuid: uuid,
        annotation: `Plimsoll server ${mark.resource}`,
        numCPUs: spec.size.vcpus,
        memoryMB: spec.size.ramMiB,
        deviceChange: [
          ...cardsOf(image.devices).map(removeDevice),
          ...newCards.map(({ portGroup, record }, index) => addCard(index, backingOf(portGroup), record.mac)),
          ...grows,
          ...log.devices,
        ],
        extraConfig: extraConfig({ ...settingsOf(spec, mark, uuid, newCards), ...log.settings }),
      },
      powerOn: true,
    },
  }
}

const refuseUnoffered = (spec: ServerSpec): void => {
  if (spec.keypair !== null && spec.publicKey === null)
    refuse('This cloud has no keypairs; the public key itself is needed.')
  if (spec.configDrive) refuse('This cloud has no config drive; servers read what VMware Tools hands them.')
}

/** Where a server goes, after everything that can be wrong with a spec before anything is asked for. */
const checkedPlace = async (context: Context, spec: ServerSpec) => {
  const size =
    context.options.sizes.find(({ name }) => name === spec.size.native) ?? refuse('The cloud does not know this size.')
  if (size.zones !== null && !size.zones.includes(spec.zone)) refuse('The size is not available in this zone.')
  refuseUnoffered(spec)
  return placeOf(context, spec.zone)
}

const checked = async (context: Context, spec: ServerSpec) => {
  const place = await checkedPlace(context, spec)
  const image = await machineOf(context, spec.image)
  if (!image?.template) throw gone(spec.image)
  return { place, image }
}

/**
 * A server is a virtual machine cloned from a template. Its name ends in the token, and names are unique in a folder:
 * a second clone for the same request is refused by vCenter. The instance UUID is the token too, for looking it up;
 * vCenter may change it when it restores a backup, so it alone would not do.
 */
export const server = (context: Context): ServerRealm => {
  const { vim, options, connection, mapping } = context

  const library = deployments(context, {
    placeFor: (spec) => checkedPlace(context, spec),
    async configFor(spec, mark, machine, newCards, place) {
      const log = await serialLog(context, machine, place.datastore, machine.name)
      const clone = cloneFor(spec, mark, await uuidOf(mark.token), machine, newCards, place, log)
      return (clone.spec as { config: Record<string, Value> }).config
    },
    seen: (machine) => serverSeen(context, machine),
  })

  const find = async (
    mark: Mark,
    spec: Pick<ServerSpec, 'name' | 'zone'> & { image?: string; fork?: NativeId | null },
  ): Promise<ServerSeen | null> => {
    const uuid = await uuidOf(mark.token)
    const byUuid = await (spec.fork ? machineByBios(context, uuid) : machineByUuid(context, uuid))
    if (byUuid && !byUuid.template && !byUuid.unfinished && markOf(context, byUuid)?.token === mark.token)
      return serverSeen(context, byUuid)
    const { folder } = await placeOf({ ...context, mapping: { ...mapping, resourcePool: null } }, spec.zone)
    const byName = await machineByName(context, folder, tokenName(spec.name, mark.token))
    // What comes out of a library is unfinished until we have finished it: who asks for it again goes on with it.
    if (!byName || byName.template || byName.unfinished) return null
    if (!byName.complete && !spec.fork && isLibraryImage(spec.image ?? '')) return null
    if (markOf(context, byName)?.token === mark.token) return serverSeen(context, byName)
    // Settings come last: until then the name is all that there is, and nobody else knows the token in it.
    if (!byName.complete && tokenIn(byName.name) === mark.token)
      return { ...(await serverSeen(context, byName)), mark, health: 'pending', power: 'changing' }
    return null
  }

  const seenAt = async (id: string): Promise<ServerSeen | null> => {
    const machine = await machineOf(context, id)
    return machine && !machine.template ? serverSeen(context, machine) : null
  }

  const power = async (id: string, method: string, parameters: Record<string, Value> = {}): Promise<void> => {
    const answer = await vim.call(ref('VirtualMachine', id), method, parameters)
    if (!method.endsWith('_Task')) return
    try {
      await progressOf(context, taskIn(answer).id)
    } catch (error) {
      // Somebody was faster: the next look says whether it is as it was wanted.
      if (!(error instanceof CloudError && error.detail.cloudCode === 'InvalidPowerState')) throw error
    }
  }

  const stop = async (machine: Machine): Promise<void> => {
    const { store, now } = context.surroundings
    const id = machine.ref.id
    if (machine.power === 'poweredOff') return
    const key = `${context.storePrefix}/shutdown/${id}`
    const asked = await store.get(key)
    const since = asked ? now() - Number(asked.value) : null
    if (
      machine.power === 'poweredOn' &&
      machine.tools &&
      (since === null || since > 10 * options.shutdownMs + 600_000)
    ) {
      await store.put(key, now(), asked?.version ?? 0)
      await power(id, 'ShutdownGuest')
      return
    }
    if (machine.power === 'poweredOn' && machine.tools && since !== null && since < options.shutdownMs) return
    await store.delete(key)
    await power(id, 'PowerOffVM_Task')
  }

  /** What an earlier call made is given back, whatever became of the parent since. */
  const fork = async (spec: ServerSpec, parent: NativeId, mark: Mark): Promise<Outcome<ServerSeen>> => {
    const found = await find(mark, spec)
    if (found) return found
    refuseUnoffered(spec)
    const task = await instantClone(context, spec, parent, mark, (uuid, newCards) =>
      settingsOf(spec, mark, uuid, newCards),
    )
    return later(context, task, { mark: { ...mark }, name: spec.name, zone: spec.zone })
  }

  const create = async (spec: ServerSpec, mark: Mark): Promise<Outcome<ServerSeen>> => {
    if (spec.fork !== null) return fork(spec, spec.fork, mark)
    if (isLibraryImage(spec.image)) return library.create(spec, mark)
    const { place, image } = await checked(context, spec)
    const found = await find(mark, spec)
    if (found) return found
    const uuid = await uuidOf(mark.token)
    const newCards = await newCardsFor(context, spec.ports, uuid)
    const log = await serialLog(context, image, place.datastore, tokenName(spec.name, mark.token))
    const answer = await vim.call(image.ref, 'CloneVM_Task', cloneFor(spec, mark, uuid, image, newCards, place, log))
    return later(context, taskIn(answer), { mark: { ...mark }, name: spec.name, zone: spec.zone })
  }

  return {
    once: 'unique',
    settleMs: options.settleMs,
    forks: true,
    create,
    find,
    get: seenAt,
    async poll(task) {
      const wish = deployIn(task)
      if (wish) return library.poll(wish)
      const { task: id, mark, name, zone, since } = task as unknown as Kept<{ mark: Mark; name: string; zone: string }>
      let lost: unknown
      try {
        const state = await progressOf(context, id)
        if (state.state === 'running') return later(context, ref('Task', id), { mark: { ...mark }, name, zone }, since)
        const made = state.state === 'success' ? await seenAt(state.result?.text ?? '') : null
        if (made) return made
      } catch (error) {
        lost = error
        if (!(error instanceof CloudError && error.detail.cloudCode === 'DuplicateName')) throw error
      }
      const found = await find(mark, { name, zone })
      if (found) return found
      throw lost ?? gone(name)
    },
    async list(cursor, since) {
      const { machines, ...page } = await serversPage(context, 'server', cursor, since)
      const items: ServerSeen[] = []
      for (const machine of machines) items.push(await serverSeen(context, machine))
      return { items, complete: true, ...page }
    },
    async remove(id, mark) {
      const machine = await machineOf(context, id)
      if (!machine || machine.template) return
      assertOurs(readMark(machine.own[KEY.mark]), connection.deployment, mark)
      const run = (method: string, parameters: Record<string, Value> = {}) =>
        unlessGone(async () => settled(context, taskIn(await vim.call(machine.ref, method, parameters))))
      if (machine.power !== 'poweredOff') await run('PowerOffVM_Task')
      // Volumes have a life of their own; one that is still inside might go with the machine.
      for (const { disk } of machine.devices) {
        if (disk?.disk) await run('DetachDisk_Task', { diskId: { id: disk.disk } })
      }
      await abandonRebuild(context, machine)
      await unlessGone(async () => {
        await progressOf(context, taskIn(await vim.call(machine.ref, 'Destroy_Task')).id)
      })
    },
    async start(id) {
      const machine = await ourMachine(context, id)
      await context.surroundings.store.delete(`${context.storePrefix}/shutdown/${id}`)
      if (machine.power !== 'poweredOn') await power(id, 'PowerOnVM_Task')
    },
    async stop(id) {
      await stop(await ourMachine(context, id))
    },
    async reboot(id, hard) {
      const machine = await ourMachine(context, id)
      if (machine.power !== 'poweredOn') return power(id, 'PowerOnVM_Task')
      await power(id, hard || !machine.tools ? 'ResetVM_Task' : 'RebootGuest')
    },
    async suspend(id) {
      const machine = await ourMachine(context, id)
      if (machine.power === 'suspended') return
      if (machine.power !== 'poweredOn') throw new CloudError('conflict', 'Only a server that runs is suspended.')
      await power(id, 'SuspendVM_Task')
    },
    async resume(id) {
      const machine = await ourMachine(context, id)
      if (machine.power !== 'poweredOn') await power(id, 'PowerOnVM_Task')
    },
    resize: (id, size, wanted) =>
      resize(context, id, size, wanted, { stop, start: (vm) => power(vm, 'PowerOnVM_Task') }),
    rebuild: (id, image, token) => rebuild(context, id, image, token, (vm) => power(vm, 'PowerOnVM_Task')),
    consoleLog: (id) => consoleLog(context, id),
    remoteConsole: remoteConsole(context),
    async describe(id, { name, metadata }) {
      const machine = await ourMachine(context, id)
      const settings = {
        [KEY.name]: name,
        [KEY.metadata]: Object.keys(metadata).length > 0 ? JSON.stringify(metadata) : '',
      }
      const token = tokenIn(machine.name)
      const shown = token ? tokenName(name, token) : name
      if (
        machine.name === shown &&
        Object.entries(settings).every(([key, value]) => (machine.own[key] ?? '') === value)
      )
        return
      const spec = { ...(machine.name === shown ? {} : { name: shown }), extraConfig: extraConfig(settings) }
      await settled(context, taskIn(await vim.call(machine.ref, 'ReconfigVM_Task', { spec })))
    },
    read: (id) => readServer(context, id),
    async mark(id, mark) {
      const machine = await machineOf(context, id)
      if (!machine || machine.template) {
        if (mark) throw gone(id)
        return
      }
      const found = readMark(machine.own[KEY.mark])
      if (mark ? !mayMark(found, mark) : found?.deployment !== connection.deployment) return
      const spec = { extraConfig: extraConfig({ [KEY.mark]: mark ? writeMark(mark) : '' }) }
      await settled(context, taskIn(await vim.call(machine.ref, 'ReconfigVM_Task', { spec })))
    },
  }
}
