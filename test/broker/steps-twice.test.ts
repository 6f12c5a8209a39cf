import { sql } from 'drizzle-orm'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Adapter, type Cloud, KINDS } from '../../adapters/contract.ts'
import { plantFaults } from '../../adapters/sandbox/backdoor.ts'
import type { Fault, FaultRule } from '../../adapters/sandbox/faults.ts'
import { sandbox } from '../../adapters/sandbox/index.ts'
import { reconcile } from '../../functions/broker/reconcile/reconcile.ts'
import { PUBLIC_KEY } from '../adapters/world.ts'
import { type Answer, type Plimsoll, startPlimsoll } from '../support/harness.ts'
import { outOfStep } from '../support/in-step.ts'
import { runtime } from '../support/runtime.ts'

const NOVA = '/compute/v2.1'
const NEUTRON = '/network/v2.0'
const METHODS = ['create', 'find', 'get', 'update', 'remove'] as const
const ACTIONS = ['stop', 'start', 'reboot', 'resize', 'rebuild', 'describe']
const quick = { build_ms: 200, boot_ms: 200, stop_ms: 200, delete_ms: 200, volume_ms: 200, log_calls: 0 }

/** What every kind goes through: each line may be refused on the way, and is asked for again. */
class Estate {
  readonly p: Plimsoll
  readonly #demo
  /** What is refused for good may keep others waiting: an address waits for its router as long as both are wanted. */
  readonly #waits: boolean
  constructor(p: Plimsoll, waits: boolean) {
    this.p = p
    this.#waits = waits
    this.#demo = p.as('demo').with({ 'OpenStack-API-Version': 'compute 2.79' })
  }

  get #cinder() {
    return `/volume/v3/${this.p.projectId('demo')}`
  }

  /** Until it is taken; the clock moves in between. Null: it is refused for good. */
  async #insist(ask: () => Promise<Answer>): Promise<Answer | null> {
    for (let i = 0; i < 6; i++) {
      const answer = await ask()
      await this.#rest()
      if (answer.status < 300) return answer
      if (answer.status < 500 && answer.status !== 409) return null
    }
    return null
  }

  #rest(): Promise<void> {
    return this.#waits ? this.p.settle({ rounds: 40 }).catch(() => undefined) : this.p.settle()
  }

  async #make(path: string, kind: string, body: object, beside: object = {}): Promise<string> {
    const answer = await this.#insist(() => this.#demo.post(path, { [kind]: body, ...beside }))
    return answer?.body[kind].id ?? '00000000-0000-4000-8000-000000000000'
  }

  async build(): Promise<void> {
    const demo = this.#demo
    const image = (await demo.get('/image/v2/images')).body.images.find(
      (i: { architecture: string }) => i.architecture === 'x86_64',
    ).id
    const external = (await demo.get(`${NEUTRON}/networks?router:external=true`)).body.networks[0].id
    const net = await this.#make(`${NEUTRON}/networks`, 'network', { name: 'net' })
    const cidr = '10.7.0.0/24'
    const subnet = await this.#make(`${NEUTRON}/subnets`, 'subnet', { network_id: net, ip_version: 4, cidr })
    const group = await this.#make(`${NEUTRON}/security-groups`, 'security_group', { name: 'group' })
    const router = await this.#make(`${NEUTRON}/routers`, 'router', { external_gateway_info: { network_id: external } })
    await this.#insist(() => demo.put(`${NEUTRON}/routers/${router}/add_router_interface`, { subnet_id: subnet }))
    const port = await this.#make(`${NEUTRON}/ports`, 'port', { network_id: net, security_groups: [group] })
    const other = await this.#make(`${NEUTRON}/ports`, 'port', { network_id: net })
    await this.#insist(() => demo.post(`${NOVA}/os-keypairs`, { keypair: { name: 'key', public_key: PUBLIC_KEY } }))
    const wish = { flavorRef: '1', imageRef: image, availability_zone: 'sandbox.a' }
    const apart = await this.#make(`${NOVA}/os-server-groups`, 'server_group', {
      name: 'apart',
      policy: 'anti-affinity',
    })
    const server = await this.#make(
      `${NOVA}/servers`,
      'server',
      { ...wish, name: 's', key_name: 'key', networks: [{ port }] },
      { 'os:scheduler_hints': { group: apart } },
    )
    const rule = {
      security_group_id: group,
      direction: 'ingress',
      protocol: 'tcp',
      port_range_min: 22,
      port_range_max: 22,
    }
    await this.#make(`${NEUTRON}/security-group-rules`, 'security_group_rule', rule)
    await this.#make(`${NEUTRON}/floatingips`, 'floatingip', { floating_network_id: external, port_id: port })
    const volume = await this.#make(`${this.#cinder}/volumes`, 'volume', { size: 1, availability_zone: 'sandbox.a' })
    await this.#make(`${this.#cinder}/snapshots`, 'snapshot', { volume_id: volume })
    await this.#insist(() => demo.put(`${this.#cinder}/volumes/${volume}`, { volume: { name: 'renamed' } }))
    await this.#make(`${NOVA}/servers/${server}/os-volume_attachments`, 'volumeAttachment', { volumeId: volume })
    await this.#insist(() =>
      demo.post(`${NOVA}/servers/${server}/os-interface`, { interfaceAttachment: { port_id: other } }),
    )
    const actions = [
      { createImage: { name: 'copy' } },
      { 'os-stop': null },
      { 'os-start': null },
      { reboot: { type: 'HARD' } },
      { rebuild: { imageRef: image } },
      { resize: { flavorRef: '2' } },
      { confirmResize: null },
    ]
    for (const action of actions) await this.#insist(() => demo.post(`${NOVA}/servers/${server}/action`, action))
  }

  /** Everything that the project has is deleted, over and over, until there is nothing. */
  async clear(): Promise<void> {
    const demo = this.#demo
    for (let round = 0; round < 8; round++) {
      let left = 0
      const each = async (path: string, key: string, before?: (item: { id: string }) => Promise<unknown>) => {
        const items: { id: string; name?: string; owner?: string; 'router:external'?: boolean }[] = (
          await demo.get(path)
        ).body[key]
        for (const item of items) {
          if (item.name === 'default' || item['router:external'] || (key === 'images' && !item.owner)) continue
          left++
          await before?.(item)
          await demo.delete(`${path}/${item.id}`)
        }
        await this.#rest()
      }
      await each(`${NEUTRON}/floatingips`, 'floatingips')
      await each(`${NOVA}/servers`, 'servers')
      await each(`${NOVA}/os-server-groups`, 'server_groups')
      await each('/image/v2/images', 'images')
      await each(`${this.#cinder}/snapshots`, 'snapshots')
      await each(`${this.#cinder}/volumes`, 'volumes')
      await each(`${NEUTRON}/routers`, 'routers', async ({ id }) => {
        const { subnets } = (await demo.get(`${NEUTRON}/subnets`)).body
        for (const subnet of subnets as { id: string }[])
          await demo.put(`${NEUTRON}/routers/${id}/remove_router_interface`, { subnet_id: subnet.id })
      })
      await each(`${NEUTRON}/ports`, 'ports')
      await each(`${NEUTRON}/networks`, 'networks')
      await each(`${NEUTRON}/security-groups`, 'security_groups')
      await demo.delete(`${NOVA}/os-keypairs/key`)
      await this.#rest()
      if (left === 0) return
    }
  }

  /** Of each kind, whether one was ever bound. */
  async reached(): Promise<string[]> {
    const rows = await this.p.db.all<{ kind: string }>(
      sql`select distinct kind from bindings where bound_at is not null and project_id <> ''`,
    )
    return rows.map(({ kind }) => kind)
  }

  async left(): Promise<string[]> {
    this.p.clock.advance(60_000)
    await reconcile(this.p.context(), 60_000)
    await this.p.settle()
    const held = await this.p.db.all<{ what: string }>(
      sql`select kind || ' ' || phase as what from bindings where phase <> 'gone' and project_id <> ''`,
    )
    return [...(await outOfStep(this.p)), ...held.map(({ what }) => what)]
  }
}

const start = async (profile: string, waits = false): Promise<Estate> =>
  new Estate(
    await startPlimsoll({ clouds: [{ name: 'sandbox', type: 'sandbox', options: { ...quick, profile } }] }),
    waits,
  )

/** The first call of every method of every kind goes wrong. */
const everywhere = (fault: Fault): FaultRule[] => [
  ...KINDS.flatMap((kind) => METHODS.map((method) => ({ method: `${kind}.${method}`, fault, count: 1 }))),
  ...ACTIONS.map((action) => ({ method: `server.${action}`, fault, count: 1 })),
]

const plant = ({ p }: Estate, rules: FaultRule[]) => plantFaults(p.host.cloudState, p.cloudId('sandbox'), rules)

describe.each(['token', 'unique'])(
  'every call to the cloud is sent twice, where %s keeps it from making two',
  (profile) => {
    const { connect } = sandbox
    beforeEach(() => {
      ;(sandbox as Adapter).connect = (...args) => twice(connect(...args))
    })
    afterEach(() => {
      sandbox.connect = connect
    })

    it('makes one of each kind, and leaves nothing', { timeout: 240_000 }, async () => {
      const estate = await start(profile)
      await estate.build()
      expect((await estate.reached()).sort()).toEqual([...KINDS].sort())
      expect(await outOfStep(estate.p)).toEqual([])
      await estate.clear()
      expect(await estate.left()).toEqual([])
    })
  },
)

const twice = (cloud: Cloud): Cloud => {
  for (const realm of Object.values(cloud)) {
    if (typeof realm !== 'object') continue
    for (const [name, method] of Object.entries(realm)) {
      if (typeof method !== 'function' || name === 'list' || name === 'catalog') continue
      Object.assign(realm, {
        [name]: async (...args: unknown[]) => {
          await method.apply(realm, args)
          return method.apply(realm, args)
        },
      })
    }
  }
  return cloud
}

describe.each(['token', 'unique', 'none'])(
  'every call to a cloud that avoids duplicates by %s goes wrong once',
  (profile) => {
    const faults: Fault[] =
      runtime === 'node' ? ['lost_answer', 'ambiguous_before', 'throttled', 'conflict'] : ['lost_answer']
    it.each(faults)(
      '%s: everything comes to be all the same, and nothing is left',
      { timeout: 240_000 },
      async (fault) => {
        const estate = await start(profile)
        await plant(estate, everywhere(fault))
        await estate.build()
        expect((await estate.reached()).sort()).toEqual([...KINDS].sort())
        expect(await outOfStep(estate.p)).toEqual([])
        await plant(estate, everywhere(fault))
        await estate.clear()
        expect(await estate.left()).toEqual([])
      },
    )
  },
)

describe.runIf(runtime === 'node')('one kind is refused for good', () => {
  const refused: Fault[] = ['definitive', 'fails_later']
  it.each(KINDS.flatMap((kind) => refused.map((fault) => [kind, fault] as const)))(
    '%s: %s, then everything is deleted and nothing is left',
    { timeout: 60_000 },
    async (kind, fault) => {
      const estate = await start('token', true)
      await plant(estate, [{ method: `${kind}.create`, fault }])
      await estate.build()
      expect(await outOfStep(estate.p)).toEqual([])
      await estate.clear()
      expect(await estate.left()).toEqual([])
    },
  )
})
