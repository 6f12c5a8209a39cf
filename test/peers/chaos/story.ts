import type { Answer } from '../support/api.ts'
import type { Client } from './client.ts'

/** What everybody shares: made before the trouble begins. */
export interface Ground {
  project: string
  network: string
  router: string
  subnet: string
  external: string
  image: string
  zone: string
}

/** What clients were promised. The last word on an id counts. */
export interface Ledger {
  promised: Map<string, { kind: string; wish: 'kept' | 'gone' }>
  /** Answers that no client should get. */
  surprises: string[]
  stories: number
  /** Nothing new is begun any more. */
  closing: boolean
}

class Closing extends Error {}
type Chance = () => number

const COMPUTE = '/compute/v2.1'
const VOLUME = '/volume/v3'
const NETWORK = '/network/v2.0'
/** A client waits for something to settle, then does without. */
const PATIENCE = 45_000

/** One client's life: stories one after the other until the ledger closes. */
export const live = async (client: Client, ground: Ground, ledger: Ledger, chance: Chance): Promise<void> => {
  const stories = [machine, machine, machine, race, disk, group]
  while (!ledger.closing) {
    const teller = new Teller(client, ground, ledger, chance)
    ledger.stories++
    await stories[Math.floor(chance() * stories.length)]!(teller).catch((error) => {
      if (!(error instanceof Closing)) ledger.surprises.push(String(error instanceof Error ? error.message : error))
    })
  }
}

/** A server with some of a port, a group, a volume and a public address of its own; half of them are taken down again. */
const machine = async (t: Teller): Promise<void> => {
  const groupId = t.sometimes(0.4) ? await t.group() : null
  const portId = t.sometimes(0.5) ? await t.port(groupId) : null
  const serverId = await t.server(portId)
  const { status } = await t.settled(`${COMPUTE}/servers/${serverId}`, 'server', ['ACTIVE', 'ERROR'])
  if (status === 'ACTIVE') {
    const volumeId = t.sometimes(0.5) ? await t.volume() : null
    if (volumeId) await t.attach(serverId, volumeId)
    const addressId = t.sometimes(0.4) ? await t.address(serverId) : null
    if (t.sometimes(0.5)) return
    if (addressId) await t.remove('floating_ip', `${NETWORK}/floatingips/${addressId}`)
    await t.remove('server', `${COMPUTE}/servers/${serverId}`)
    if (volumeId) await t.remove('volume', `${VOLUME}/${t.project}/volumes/${volumeId}`)
  } else await t.remove('server', `${COMPUTE}/servers/${serverId}`)
  if (portId) await t.remove('port', `${NETWORK}/ports/${portId}`)
  if (groupId) await t.remove('security_group', `${NETWORK}/security-groups/${groupId}`)
}

/** A server that is unwanted before it is there. */
const race = async (t: Teller): Promise<void> => {
  const serverId = await t.server(null)
  if (t.sometimes(0.5)) await t.pause(Math.random() * 2_000)
  await t.remove('server', `${COMPUTE}/servers/${serverId}`, false)
}

const disk = async (t: Teller): Promise<void> => {
  const volumeId = await t.volume()
  if (t.sometimes(0.5)) await t.remove('volume', `${VOLUME}/${t.project}/volumes/${volumeId}`)
}

const group = async (t: Teller): Promise<void> => {
  const groupId = await t.group()
  await t.remove('security_group', `${NETWORK}/security-groups/${groupId}`)
}

/** Says single sentences of a story, and keeps the books. */
class Teller {
  readonly #client: Client
  readonly #ground: Ground
  readonly #ledger: Ledger
  readonly #chance: Chance
  readonly #name = crypto.randomUUID().slice(0, 13)

  constructor(client: Client, ground: Ground, ledger: Ledger, chance: Chance) {
    this.#client = client
    this.#ground = ground
    this.#ledger = ledger
    this.#chance = chance
  }

  get project(): string {
    return this.#ground.project
  }
  sometimes(share: number): boolean {
    return this.#chance() < share
  }
  pause(ms: number): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, ms))
  }

  async group(): Promise<string> {
    const id = await this.#make('security_group', `${NETWORK}/security-groups`, { name: this.#name })
    for (const port of [22, 443]) {
      const rule = { security_group_id: id, direction: 'ingress', protocol: 'tcp', port_range_min: port }
      await this.#must('POST', `${NETWORK}/security-group-rules`, {
        security_group_rule: { ...rule, port_range_max: port, remote_ip_prefix: '192.0.2.0/24' },
      })
    }
    return id
  }

  port(groupId: string | null): Promise<string> {
    const wish = { name: this.#name, network_id: this.#ground.network }
    return this.#make('port', `${NETWORK}/ports`, { ...wish, ...(groupId ? { security_groups: [groupId] } : {}) })
  }

  server(portId: string | null): Promise<string> {
    return this.#make('server', `${COMPUTE}/servers`, {
      name: this.#name,
      flavorRef: '2',
      imageRef: this.#ground.image,
      availability_zone: this.#ground.zone,
      networks: [portId ? { port: portId } : { uuid: this.#ground.network }],
    })
  }

  async volume(): Promise<string> {
    const wish = { name: this.#name, size: 1, availability_zone: this.#ground.zone }
    const path = `${VOLUME}/${this.project}/volumes`
    const id = await this.#make('volume', path, wish)
    await this.settled(`${path}/${id}`, 'volume', ['available', 'error'])
    return id
  }

  async attach(serverId: string, volumeId: string): Promise<void> {
    await this.#must('POST', `${COMPUTE}/servers/${serverId}/os-volume_attachments`, { volumeAttachment: { volumeId } })
    await this.settled(`${VOLUME}/${this.project}/volumes/${volumeId}`, 'volume', ['in-use', 'available', 'error'])
  }

  async address(serverId: string): Promise<string> {
    const { ports } = await this.#must('GET', `${NETWORK}/ports?device_id=${serverId}`)
    const wish = { floating_network_id: this.#ground.external, port_id: ports[0]?.id }
    return this.#make('floating_ip', `${NETWORK}/floatingips`, wish, 'floatingip')
  }

  /** Waits until the status is one of these. */
  async settled(path: string, key: string, statuses: string[]): Promise<{ status: string }> {
    const done = ({ status, body }: Answer) =>
      this.#ledger.closing || status === 404 || statuses.includes(body[key]?.status)
    const answer = await this.#client.until(path, done, PATIENCE)
    this.#check()
    return answer?.body[key] ?? { status: 'late' }
  }

  /** Asks until it is accepted, because something may still be in the way, then until it is gone. */
  async remove(kind: string, path: string, wait = true): Promise<void> {
    const id = path.split('/').at(-1)!
    for (const end = Date.now() + PATIENCE; ; ) {
      const answer = await this.#client.call('DELETE', path)
      if (answer.status < 300 || answer.status === 404) break
      if (![400, 409].includes(answer.status) || Date.now() > end)
        throw new Error(`DELETE ${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
      this.#check()
      await this.pause(700)
    }
    this.#ledger.promised.set(id, { kind, wish: 'gone' })
    this.#check()
    if (wait) await this.#client.until(path, ({ status }) => this.#ledger.closing || status === 404, PATIENCE)
    this.#check()
  }

  async #make(kind: string, path: string, wish: object, key = kind): Promise<string> {
    this.#check()
    const { id } = (await this.#must('POST', path, { [key]: wish }))[key]
    this.#ledger.promised.set(id, { kind, wish: 'kept' })
    return id
  }

  #must(method: string, path: string, body?: unknown) {
    this.#check()
    return this.#client.must(method, path, body)
  }

  #check(): void {
    if (this.#ledger.closing) throw new Closing()
  }
}
