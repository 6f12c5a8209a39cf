import { loaders } from '#adapters'
import { type Adapter, CAPABILITIES, type Capability, type Cloud } from './contract.ts'
import { table } from './table.ts'

/** Every cloud that Plimsoll speaks to, by the `type` it is registered with. Loaded when first needed, where that saves something. */
export const adapters: Record<string, () => Promise<Adapter>> = table(loaders)

/** A module is loaded once anyway; asking for it anew would cost a promise of its own in every request. */
const loaded = new Map<string, Adapter>()

/** The adapter of a type, or null if there is none. */
export const adapterFor = async (type: string): Promise<Adapter | null> => {
  const known = loaded.get(type)
  if (known || !Object.hasOwn(adapters, type)) return known ?? null
  const adapter = await adapters[type]!()
  loaded.set(type, adapter)
  return adapter
}

/** Capabilities that show as members of a cloud; the others are there unless the adapter says that it lacks them. */
const MEMBERS: Partial<Record<Capability, (cloud: Cloud) => boolean>> = {
  'server.resize': ({ server }) => !!server.resize,
  'server.rebuild': ({ server }) => !!server.rebuild,
  'server.reseed': ({ server }) => !!server.reseeds,
  'server.rescue': ({ server }) => !!server.rescue && !!server.unrescue,
  'server.shelve': ({ server }) => !!server.shelve && !!server.unshelve,
  'server.pause': ({ server }) => !!server.pause && !!server.unpause,
  'server.suspend': ({ server }) => !!server.suspend && !!server.resume,
  'server.console_log': ({ server }) => !!server.consoleLog,
  'server.change_password': ({ server }) => !!server.changePassword,
  'server.diagnostics': ({ server }) => !!server.diagnose,
  'server.describe': ({ server }) => !!server.describe,
  'server.remote_console': ({ server }) => !!server.remoteConsole,
  'server.fork': ({ server }) => !!server.forks,
  server_group: (cloud) => !!cloud.server_group || !!cloud.server.groups,
}

/** Why something is absent, or how far it was proved where that is less than the rest. */
interface Availability {
  available: boolean
  reason?: string
  unverified?: string
}
export type Capabilities = Record<Capability, Availability>

const known = new WeakMap<Cloud, Capabilities>()

/** What a connected cloud can do, and why it cannot do the rest. It stays so for as long as it is connected. Not to be changed. */
export const capabilitiesOf = (cloud: Cloud, adapter: Adapter): Capabilities => {
  const told = known.get(cloud) ?? tell(cloud, adapter)
  known.set(cloud, told)
  return told
}

const tell = (cloud: Cloud, adapter: Adapter): Capabilities => {
  const entries = CAPABILITIES.map((name): [Capability, Availability] => {
    const member = MEMBERS[name] ?? ((has: Cloud) => name.includes('.') || has[name as keyof Cloud] !== undefined)
    const lack = adapter.lacks[name]
    const unverified = adapter.unverified?.[name]
    if (lack === undefined && member(cloud)) return [name, { available: true, ...(unverified && { unverified }) }]
    const what = name.replace('.', ' ').replaceAll('_', ' ')
    return [name, { available: false, reason: lack ?? `This cloud has no ${what}.` }]
  })
  return Object.fromEntries(entries) as Capabilities
}
