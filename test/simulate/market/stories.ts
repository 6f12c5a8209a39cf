import type { Client } from '../client.ts'
import type { Stories } from '../stories/index.ts'
import { act, BROKER, made, NEUTRON, NOVA, newServer, rename, type Story } from '../stories/talk.ts'
import { bookOf, policyOf } from './market.ts'

/** What somebody says of a server that he makes. */
const saidOf = ({ dice }: Client): Record<string, string> => ({
  ...(dice.chance(0.7) ? { 'plimsoll:movable': 'true' } : {}),
  ...(dice.chance(0.4) ? { 'plimsoll:spot': dice.pick(['never', 'allowed', 'preferred']) } : {}),
  ...(dice.chance(0.08) ? { 'plimsoll:lease': dice.pick(['1m', '3m', '10m']) } : {}),
  ...(dice.chance(0.1) ? { 'plimsoll:lease_end': 'delete' } : {}),
  ...(dice.chance(0.2) ? { 'plimsoll:stop_at_budget': 'true' } : {}),
  ...(dice.chance(0.1) ? { 'plimsoll:max_hourly_cost': '0.02' } : {}),
})

/** What may come in between while a server is at home, out, or on its way. Nobody agrees to a move later than at first. */
const deeds: ((c: Client, id: string) => Promise<unknown>)[] = [
  (c, id) => say(c, id, { 'plimsoll:busy': c.dice.pick(['true', 'false']) }),
  (c, id) => say(c, id, { 'plimsoll:busy': 'false' }),
  (c, id) => say(c, id, { 'plimsoll:lease': c.dice.pick(['2m', '20m', '2h']) }),
  (c, id) => say(c, id, { 'plimsoll:movable': 'false' }),
  (c, id) => act(c, id, { 'os-stop': null }),
  (c, id) => act(c, id, { 'os-start': null }),
  (c, id) => act(c, id, { reboot: { type: 'HARD' } }),
  (c, id) => act(c, id, { resize: { flavorRef: '2' } }),
  (c, id) => act(c, id, { confirmResize: null }),
  (c, id) => act(c, id, { rebuild: { imageRef: c.world.image } }),
  (c, id) => act(c, id, { lock: null }),
  (c, id) => act(c, id, { unlock: null }),
  (c, id) => c.delete(`${NOVA}/servers/${id}`),
  (c, id) => c.delete(`${NOVA}/servers/${id}`),
  (c, id) => rename(c, `${NOVA}/servers/${id}`, 'server', 0.8),
]

const say = (c: Client, id: string, metadata: Record<string, string>) =>
  c.post(`${NOVA}/servers/${id}/metadata`, { metadata })

/** A network with a segment on each cloud; null: there is none. */
const wide = async (c: Client): Promise<string | null> => {
  const net = await made(c, `${NEUTRON}/networks`, 'network', { name: c.name() })
  if (!net) return null
  const first = c.dice.between(20, 120)
  for (const [i, physical_network] of ['sandbox.a', 'other.a'].entries()) {
    const on = { network_id: net, network_type: 'vlan', physical_network }
    const segment_id = await made(c, `${NEUTRON}/segments`, 'segment', on)
    const subnet = { network_id: net, ip_version: 4, cidr: `10.${first}.${i}.0/24` }
    if (segment_id) await made(c, `${NEUTRON}/subnets`, 'subnet', { ...subnet, segment_id })
  }
  return net
}

/** Some servers, wherever there is room for them, and what is asked of each while they come and go. */
const farm: Story = async (c) => {
  const net = c.dice.chance(0.25) ? await wide(c) : null
  const networks = net ? [{ uuid: net }] : 'none'
  const servers: string[] = []
  for (let n = c.dice.between(2, 4); n > 0; n--) {
    const more = { availability_zone: undefined, metadata: saidOf(c), flavorRef: c.dice.pick(['1', '1', '2']) }
    const id = await newServer(c, networks, more)
    if (id) servers.push(id)
    await c.pause(8_000)
  }
  // What was first is at home: it leaves room there.
  if (servers.length > 1 && c.dice.chance(0.7)) await c.delete(`${NOVA}/servers/${servers.shift()}`)
  for (let n = c.dice.between(0, 4); n > 0 && servers.length; n--) {
    await c.pause(150_000)
    await c.dice.pick(deeds)(c, c.dice.pick(servers))
  }
  // What may come home does so after minutes.
  await c.pause(600_000)
}

/** Many of one wish, for which there is so much money. */
const pack: Story = async (c) => {
  const usd = (thousandths: number) => ({ amount: thousandths / 1_000, currency: 'USD' })
  const wish = {
    ...{ name: 'pack', flavor: '1', image: c.world.image, networks: 'none' },
    count: { min: 1, max: c.dice.between(1, 4) },
    ...(c.dice.chance(0.4) ? { budget: usd(c.dice.between(5, 60)) } : {}),
    ...(c.dice.chance(0.3) ? { spot: c.dice.pick(['never', 'allowed', 'preferred']) } : {}),
    ...(c.dice.chance(0.3) ? { lease: '5m' } : {}),
    ...(c.dice.chance(0.5) ? { metadata: { 'plimsoll:movable': 'true' } } : {}),
  }
  const id = (await c.post(`${BROKER}/bursts`, wish))?.body?.burst?.id
  if (!id) return
  await c.pause(60_000)
  if (c.dice.chance(0.5)) await c.patch(`${BROKER}/bursts/${id}`, { count: { min: 1, max: c.dice.between(1, 4) } })
  await c.pause(60_000)
  if (c.dice.chance(0.5)) await c.delete(`${BROKER}/bursts/${id}`)
}

/** What those do who buy something. */
export const trades: Stories = { farm: { weight: 3, story: farm }, pack: { weight: 1, story: pack } }

/** Somebody says something else of the project, or of what an hour costs, while others buy. */
export const office = async (c: Client): Promise<void> => {
  for (let n = c.dice.between(0, 4); n > 0; n--) {
    await c.pause(60_000)
    if (c.dice.chance(0.7)) await c.put(`${BROKER}/projects/${c.world.projectId}/policy`, { policy: policyOf(c.dice) })
    else await c.put(`${BROKER}/clouds/${c.dice.pick(['sandbox', 'other'])}/prices`, { prices: bookOf(c.dice) })
  }
}
