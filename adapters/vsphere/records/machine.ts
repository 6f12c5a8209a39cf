import type { Mark } from '../../contract.ts'
import { CloudError } from '../../errors.ts'
import { readMark, writeMark } from '../../shared/mark-line.ts'
import { assertOurs } from '../../shared/marks.ts'
import { gone } from '../../shared/refusals.ts'
import { child, childrenOf, type Element, textOf } from '../../shared/xml.ts'
import type { Context } from '../context.ts'
import { KEY, ourMark, tokenName } from '../marks.ts'
import { type Found, look, refAt, refsAt, text } from '../wire/properties.ts'
import { asRef, type Ref, ref } from '../wire/soap.ts'
import { type Device, readDevice } from './devices.ts'

/** A virtual machine, template or not, with what the realms read. */
export interface Machine {
  ref: Ref
  name: string
  /** False while it is being made: vCenter shows a name and nothing else. */
  complete: boolean
  /** It is ours by its notes alone: what made it could not write settings, and they are still to come. */
  unfinished: boolean
  uuid: string
  biosUuid: string
  template: boolean
  cpus: number
  ramMiB: number
  devices: Device[]
  /** Our own settings, by key. */
  own: Record<string, string>
  power: string | undefined
  connection: string | undefined
  host: string | undefined
  /** When its power went on, as vCenter's clock has it; undefined while it is off. */
  bootedAt: string | undefined
  pool: Ref | undefined
  /** The folder it is in. */
  parent: Ref | undefined
  tools: boolean
  guest: { mac: string; addresses: string[] }[]
  guestName: string
  guestId: string
  annotation: string
  createdAt: string
  datastores: Ref[]
  bytes: number | null
}

/** Only our own settings are asked for by key: the others hold whole user data. */
const OWN = Object.values(KEY).map((key) => [key, `config.extraConfig["${key}"]`] as const)

export const PATHS = [
  'name',
  'config.instanceUuid',
  'config.uuid',
  'config.template',
  'config.hardware',
  'config.guestFullName',
  'config.guestId',
  'config.annotation',
  'config.createDate',
  'runtime.powerState',
  'runtime.connectionState',
  'runtime.host',
  'summary.runtime.bootTime',
  'resourcePool',
  'parent',
  'guest.toolsRunningStatus',
  'guest.net',
  'datastore',
  'summary.storage.committed',
  ...OWN.map(([, path]) => path),
]

const guestOf = (net: Element | undefined): Machine['guest'] =>
  (net?.children ?? []).map((nic) => ({
    mac: (textOf(nic, 'macAddress') ?? '').toLowerCase(),
    addresses: childrenOf(nic, 'ipAddress').map((each) => each.text),
  }))

/** A machine from its properties (`PATHS`). Names have `%`, `/` and `\` escaped on the way. */
export const readMachine = (found: Found): Machine => {
  const hardware = found.props.get('config.hardware')
  const committed = text(found, 'summary.storage.committed')
  const own: Record<string, string> = Object.fromEntries(
    OWN.flatMap(([key, path]) => {
      const value = textOf(found.props.get(path), 'value')
      return value ? [[key, value] as const] : []
    }),
  )
  const noted = own[KEY.mark] ? undefined : readMark(text(found, 'config.annotation'))
  const unfinished = noted?.kind === 'server' && text(found, 'config.template') !== 'true'
  if (unfinished) own[KEY.mark] = writeMark(noted)
  return {
    ref: found.ref,
    name: decodeURIComponent((text(found, 'name') ?? '').replaceAll(/%(?!25|2f|5c)/gi, '%25')),
    complete: found.props.has('config.instanceUuid') && hardware !== undefined,
    unfinished,
    uuid: text(found, 'config.instanceUuid') ?? '',
    biosUuid: text(found, 'config.uuid') ?? '',
    template: text(found, 'config.template') === 'true',
    cpus: Number(textOf(hardware, 'numCPU') ?? 0),
    ramMiB: Number(textOf(hardware, 'memoryMB') ?? 0),
    devices: childrenOf(hardware, 'device').map(readDevice),
    own,
    power: text(found, 'runtime.powerState'),
    connection: text(found, 'runtime.connectionState'),
    host: refAt(found, 'runtime.host')?.id,
    bootedAt: text(found, 'summary.runtime.bootTime'),
    pool: refAt(found, 'resourcePool'),
    parent: refAt(found, 'parent'),
    tools: text(found, 'guest.toolsRunningStatus') === 'guestToolsRunning',
    guest: guestOf(found.props.get('guest.net')),
    guestName: text(found, 'config.guestFullName') ?? '',
    guestId: text(found, 'config.guestId') ?? '',
    annotation: text(found, 'config.annotation') ?? '',
    createdAt: text(found, 'config.createDate') ?? '',
    datastores: refsAt(found, 'datastore'),
    bytes: committed === undefined ? null : Number(committed),
  }
}

const isId = (id: string): boolean => /^[\w.-]+$/.test(id)

/** The machine or template; null: there is none. */
export const machineOf = async ({ vim }: Context, id: string): Promise<Machine | null> => {
  if (!isId(id)) return null
  try {
    const [found] = await look(vim, [ref('VirtualMachine', id)], PATHS)
    return found ? readMachine(found) : null
  } catch (error) {
    if (error instanceof CloudError && error.code === 'not_found') return null
    throw error
  }
}

/** A template, or a machine that becomes one when its disks are there. */
export const isImage = ({ template, own }: Pick<Machine, 'template' | 'own'>): boolean =>
  template || readMark(own[KEY.mark])?.kind === 'image'

const searched = async ({ vim }: Context, method: string, parameters: Parameters<typeof vim.call>[2]) => {
  const { search } = await vim.content()
  return asRef(child(await vim.call(search, method, parameters), 'returnval')) ?? null
}

/** Which machine it is, by instance UUID or by the one that the guest sees: vCenter keeps an index of each. */
export const refByUuid = (context: Context, uuid: string, instanceUuid: boolean): Promise<Ref | null> =>
  searched(context, 'FindByUuid', { uuid, vmSearch: true, instanceUuid })

/** By instance UUID. */
export const machineByUuid = async (context: Context, uuid: string): Promise<Machine | null> => {
  const found = await refByUuid(context, uuid, true)
  return found && machineOf(context, found.id)
}

/** By the UUID that the guest sees. */
export const machineByBios = async (context: Context, uuid: string): Promise<Machine | null> => {
  const found = await refByUuid(context, uuid, false)
  return found && machineOf(context, found.id)
}

/** By name in a folder, where no two are called the same. */
export const machineByName = async (context: Context, folder: Ref, name: string): Promise<Machine | null> => {
  const found = await searched(context, 'FindChild', { entity: folder, name })
  return found?.type === 'VirtualMachine' ? machineOf(context, found.id) : null
}

/** The mark of this deployment; undefined: the machine is not ours. */
export const markOf = (context: Context, machine: Machine): Mark | undefined =>
  ourMark(machine.own[KEY.mark], context.connection.deployment)

/** What a request with this token made: by instance UUID, or by name where that tells nothing yet. */
export const machineByToken = async (
  context: Context,
  folder: Ref,
  name: string,
  token: string,
): Promise<Machine | null> => {
  const byUuid = await machineByUuid(context, await uuidOf(token))
  return byUuid && markOf(context, byUuid)?.token === token
    ? byUuid
    : machineByName(context, folder, tokenName(name, token))
}

/** The machine that is to be changed. @throws `not_found`, or `definitive` if it is not ours */
export const ourMachine = async (context: Context, id: string, template = false): Promise<Machine> => {
  const machine = await machineOf(context, id)
  if (!machine || machine.template !== template) throw gone(id)
  assertOurs(readMark(machine.own[KEY.mark]), context.connection.deployment)
  return machine
}

/** A token as a UUID: itself, if it is one. */
export const uuidOf = async (token: string): Promise<string> => {
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(token)) return token
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(token)))
  const hex = [...hash.slice(0, 16)].map((byte) => byte.toString(16).padStart(2, '0')).join('')
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
