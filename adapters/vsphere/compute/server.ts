import type { Mark, NativeId, Outcome, ServerRealm, ServerSeen, ServerSpec } from '../../contract.ts'
import { readMark, writeMark } from '../../shared/mark-line.ts'
import { markedRealm } from '../../shared/realm.ts'
import { refuse, unlessGone } from '../../shared/refusals.ts'
import { shelvedByPower } from '../../shared/shelved.ts'
import type { Context } from '../context.ts'
import { placeOf } from '../inventory.ts'
import { isLibraryImage, KEY, tokenIn, tokenName } from '../marks.ts'
import { extraConfig } from '../records/guestinfo.ts'
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
import { serverSeen } from '../records/server-seen.ts'
import type { Value } from '../wire/soap.ts'
import { type Kept, later, made, progressOf, settled, taskIn } from '../wire/tasks.ts'
import { bootFrom } from './boot-from.ts'
import { checked, checkedPlace, cloneFor, refuseUnoffered, settingsOf } from './clone.ts'
import { remoteConsole } from './console.ts'
import { deployIn, deployments } from './deploy.ts'
import { driveByGuestinfo, removeDrive } from './drive.ts'
import { finish, isMaking } from './finish.ts'
import { instantClone } from './fork.ts'
import { joinGroup, leaveGroup, takeSeat } from './group-seats.ts'
import { newCardsFor } from './new-cards.ts'
import { powerActions, powerOn, stop } from './power.ts'
import { readServer } from './read-server.ts'
import { abandonRebuild, rebuild } from './rebuild.ts'
import { resize } from './resize.ts'
import { consoleLog, serialLog } from './serial.ts'

/** What a look-up needs of a spec. */
type Sought = Pick<ServerSpec, 'name' | 'zone'> & { image?: string; fork?: NativeId | null }

const raw = async (context: Context, id: NativeId): Promise<Machine | null> => {
  const machine = await machineOf(context, id)
  return machine?.template ? null : machine
}

const reconfigure = async (context: Context, machine: Machine, spec: Record<string, Value>): Promise<void> =>
  settled(context, taskIn(await context.vim.call(machine.ref, 'ReconfigVM_Task', { spec })))

/** By UUID, or by name where the UUID tells nothing yet. */
const find = async (context: Context, mark: Mark, spec: Sought): Promise<ServerSeen | null> => {
  const uuid = await uuidOf(mark.token)
  const byUuid = await (spec.fork ? machineByBios(context, uuid) : machineByUuid(context, uuid))
  if (byUuid && !byUuid.template && !byUuid.unfinished && markOf(context, byUuid)?.token === mark.token)
    return serverSeen(context, byUuid)
  const anywhere = { ...context, mapping: { ...context.mapping, resourcePool: null } }
  const { folder } = await placeOf(anywhere, spec.zone)
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

/** What an earlier call made is given back, whatever became of the parent since. */
const fork = async (context: Context, spec: ServerSpec, parent: NativeId, mark: Mark): Promise<Outcome<ServerSeen>> => {
  const found = await find(context, mark, spec)
  if (found) return found
  refuseUnoffered(spec)
  if (spec.configDrive) refuse('A fork goes on from memory, and starts too late to read a config drive.')
  const task = await instantClone(context, spec, parent, mark, (uuid, cards) => settingsOf(spec, mark, uuid, cards))
  return later(context, task, { mark: { ...mark }, name: spec.name, zone: spec.zone })
}

const clone = async (context: Context, spec: ServerSpec, mark: Mark): Promise<Outcome<ServerSeen>> => {
  const { place, image } = await checked(context, spec)
  const found = await find(context, mark, spec)
  if (found) return found
  const uuid = await uuidOf(mark.token)
  const newCards = await newCardsFor(context, spec.ports, uuid)
  const log = await serialLog(context, image, place.datastore, tokenName(spec.name, mark.token))
  const host = await takeSeat(context, spec.group, mark.token, place, spec.name)
  const told = driveByGuestinfo(context.options, spec)
  const more = { ...log, settings: { ...log.settings, ...told.settings } }
  const parameters = cloneFor(told.spec, mark, uuid, image, newCards, place, more, host)
  const answer = await context.vim.call(image.ref, 'CloneVM_Task', parameters)
  return later(context, taskIn(answer), { mark: { ...mark }, name: spec.name, zone: spec.zone })
}

const remove = async (context: Context, machine: Machine): Promise<void> => {
  const { vim } = context
  const run = (method: string, parameters: Record<string, Value> = {}) =>
    unlessGone(async () => settled(context, taskIn(await vim.call(machine.ref, method, parameters))))
  if (machine.power !== 'poweredOff') await run('PowerOffVM_Task')
  // Volumes have a life of their own; one that is still inside might go with the machine.
  for (const { disk } of machine.devices) {
    if (disk?.disk) await run('DetachDisk_Task', { diskId: { id: disk.disk } })
  }
  await abandonRebuild(context, machine)
  await removeDrive(context, machine)
  await leaveGroup(context, machine)
  await progressOf(context, taskIn(await vim.call(machine.ref, 'Destroy_Task')).id)
}

/** Makes the settings and the name of the machine say what the server is called, and its metadata. */
const describe = async (
  context: Context,
  id: NativeId,
  { name, metadata }: { name: string; metadata: Record<string, string> },
): Promise<void> => {
  const machine = await ourMachine(context, id)
  const settings = {
    [KEY.name]: name,
    [KEY.metadata]: Object.keys(metadata).length > 0 ? JSON.stringify(metadata) : '',
  }
  const token = tokenIn(machine.name)
  const shown = token ? tokenName(name, token) : name
  const told = Object.entries(settings).every(([key, value]) => (machine.own[key] ?? '') === value)
  if (machine.name === shown && told) return
  const renaming = machine.name === shown ? {} : { name: shown }
  await reconfigure(context, machine, { ...renaming, extraConfig: extraConfig(settings) })
}

/**
 * A server is a virtual machine cloned from a template. Its name ends in the token, and names are unique in a folder:
 * a second clone for the same request is refused by vCenter. The instance UUID is the token too, for looking it up;
 * vCenter may change it when it restores a backup, so it alone would not do.
 */
export const server = (context: Context): ServerRealm => {
  const { options, connection } = context
  const library = deployments(context, {
    placeFor: (spec) => checkedPlace(context, spec),
    async configFor(spec, mark, machine, newCards, place) {
      const log = await serialLog(context, machine, place.datastore, machine.name)
      const told = driveByGuestinfo(options, spec)
      const more = { ...log, settings: { ...log.settings, ...told.settings } }
      const asked = cloneFor(told.spec, mark, await uuidOf(mark.token), machine, newCards, place, more)
      return (asked.spec as { config: Record<string, Value> }).config
    },
    seen: (machine) => serverSeen(context, machine),
  })
  const records = {
    raw: (id: NativeId) => raw(context, id),
    markOf: ({ own }: Machine) => readMark(own[KEY.mark]),
    one: (machine: Machine) => serverSeen(context, machine),
    find: (mark: Mark, spec: Sought) => find(context, mark, spec),
    async list(cursor?: string, since?: number) {
      const { machines, ...page } = await serversPage(context, 'server', cursor, since)
      const items: ServerSeen[] = []
      for (const machine of machines) items.push(await serverSeen(context, machine))
      return { items, complete: true, ...page }
    },
    remark: (machine: Machine, mark: Mark | null) =>
      reconfigure(context, machine, { extraConfig: extraConfig({ [KEY.mark]: mark ? writeMark(mark) : '' }) }),
  }
  const realm = markedRealm<ServerSpec, ServerSeen, Machine>(connection, records, {
    once: 'unique',
    settleMs: options.settleMs,
    async create(spec, mark) {
      if (spec.fork !== null) return fork(context, spec, spec.fork, mark)
      return isLibraryImage(spec.image) ? library.create(spec, mark) : clone(context, spec, mark)
    },
    async poll(task) {
      const wish = deployIn(task)
      if (wish) return library.poll(wish)
      const kept = task as unknown as Kept<{ mark: Mark; name: string; zone: string }>
      return made(context, kept, kept.name, {
        at: async (id) => {
          const machine = await raw(context, id)
          return machine && serverSeen(context, machine)
        },
        find: () => find(context, kept.mark, kept),
      })
    },
    remove: (machine) => remove(context, machine),
    read: (machine) => readServer(context, machine),
  })
  const power = powerActions(context)
  return {
    ...realm,
    ...power,
    ...shelvedByPower({ get: realm.get, ...power }),
    forks: true,
    async finish(id) {
      const machine = await ourMachine(context, id)
      await (isMaking(machine) ? finish(context, machine) : joinGroup(context, machine))
    },
    resize: (id, size, wanted) =>
      resize(context, id, size, wanted, {
        stop: (machine) => stop(context, machine),
        start: (vm) => powerOn(context, vm),
      }),
    rebuild: (id, image, token) => rebuild(context, id, image, token, (vm) => powerOn(context, vm)),
    bootFrom: (id, volume, power) => bootFrom(context, id, volume, power, (vm) => powerOn(context, vm)),
    consoleLog: (id) => consoleLog(context, id),
    remoteConsole: remoteConsole(context),
    describe: (id, label) => describe(context, id, label),
  }
}
