import type { Client } from '../client.ts'

/** What one client does with the API. It may find anything in its way, and gives up as people do. */
export type Story = (c: Client) => Promise<unknown>

export const NOVA = '/compute/v2.1'
export const NEUTRON = '/network/v2.0'
export const BROKER = '/broker/v1'
export const cinder = (c: Client) => `/volume/v3/${c.world.projectId}`

/** The id of what was made; null if nothing was, or nobody knows. */
export const made = async (c: Client, path: string, kind: string, body: object): Promise<string | null> =>
  (await c.post(path, { [kind]: body }))?.body?.[kind]?.id ?? null

/** Where there is one cloud, the same zone for all; where there are two, anywhere. */
const zone = (c: Client): { availability_zone?: string } =>
  c.scene.both
    ? c.dice.pick([{}, {}, { availability_zone: 'sandbox.a' }, { availability_zone: 'other.a' }])
    : { availability_zone: 'sandbox.a' }

export const newVolume = (c: Client, more: object = {}) =>
  made(c, `${cinder(c)}/volumes`, 'volume', { size: c.dice.between(1, 3), name: c.name(), ...zone(c), ...more })

export const newServer = (c: Client, networks: unknown = 'none', more: object = {}) => {
  const body = { flavorRef: '1', imageRef: c.world.image, name: c.name(), ...zone(c) }
  return made(c, `${NOVA}/servers`, 'server', { ...body, networks, ...more })
}

/** Until a volume or a snapshot can be used. */
export const available = (c: Client, path: string) =>
  c.until(path, (body) => ['available', 'in-use'].includes((Object.values(body)[0] as { status: string }).status))

export const active = (c: Client, id: string) =>
  c.until(`${NOVA}/servers/${id}`, (body) => body.server.status === 'ACTIVE', 12)

export const act = (c: Client, id: string, action: object) => c.post(`${NOVA}/servers/${id}/action`, action)

/** Another name, and perhaps another one right after. */
export const rename = async (c: Client, path: string, kind: string, chance = 0.4): Promise<void> => {
  while (c.dice.chance(chance)) {
    await c.pause()
    await c.put(path, { [kind]: { name: c.name() } })
  }
}

export const externalNetwork = async (c: Client): Promise<string | undefined> =>
  (await c.get(`${NEUTRON}/networks?router:external=true`))?.body?.networks?.[0]?.id
