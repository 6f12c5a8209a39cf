import { sql } from 'drizzle-orm'
import { beforeEach, expect, test } from 'vitest'
import { CloudError } from '../../../adapters/errors.ts'
import { adapters } from '../../../adapters/registry.ts'
import { vanish } from '../../../adapters/sandbox/backdoor.ts'
import { sandbox } from '../../../adapters/sandbox/index.ts'
import { askedWhile } from '../block-storage/asked-while.ts'
import { NOVA, newWorld, type World } from './servers/world.ts'

/* A resize comes to nothing while it is under way: what it had claimed is given back once. */

/** What is done while the cloud resizes a server, and whether it does in the end. */
const during = { work: async (): Promise<unknown> => undefined, refuses: false }

let w: World
let id: string
let larger: { id: string; vcpus: number }
let before: number

const cores = async (): Promise<number> =>
  (await w.demo.get(`${NOVA}/os-quota-sets/${w.plimsoll.projectId('demo')}/detail`)).body.quota_set.cores.in_use
const reset = () => w.act(id, { 'os-resetState': { state: 'active' } }, w.admin)
const resize = () => w.act(id, { resize: { flavorRef: larger.id } })
const shown = async () => {
  const { status, flavor } = await w.server(id)
  return [status, flavor.vcpus, await cores()]
}

beforeEach(async () => {
  adapters.lingering = async () => ({
    ...sandbox,
    type: 'lingering',
    connect(connection, surroundings) {
      const cloud = sandbox.connect(connection, surroundings)
      const step: NonNullable<typeof cloud.server.resize> = async (...asked) => {
        const progress = during.refuses ? null : await cloud.server.resize!(...asked)
        if (progress === 'going') return progress
        const { work } = during
        during.work = async () => undefined
        await work()
        if (progress === null) throw new CloudError('definitive', 'The cloud has no such size.')
        return progress
      }
      return { ...cloud, server: { ...cloud.server, resize: step } }
    },
  })
  Object.assign(during, { work: async () => undefined, refuses: false })
  w = await newWorld({ clouds: [{ name: 'sandbox', type: 'lingering' }] })
  id = await w.running({ networks: 'none' })
  before = await cores()
  const { flavors } = (await w.demo.get(`${NOVA}/flavors/detail`)).body
  larger = flavors.find(({ vcpus }: { vcpus: number }) => vcpus > before)
})

test.each([true, false])(
  'where its state is reset while its cloud is asked, whether that refuses in the end (%s) or not',
  async (refuses) => {
    during.refuses = refuses
    during.work = async () => expect((await reset()).status).toBe(202)
    expect((await resize()).status).toBe(202)
    await w.plimsoll.settle()
    expect(await shown()).toEqual(['ACTIVE', before, before])
    expect((await w.act(id, { revertResize: null })).status).toBe(409)
    during.refuses = false
    expect((await resize()).status).toBe(202)
    await w.plimsoll.settle()
    expect(await shown(), 'and it goes on').toEqual(['VERIFY_RESIZE', larger.vcpus, larger.vcpus])
  },
)

test('where it is asked for between what a reset reads and what it writes', async () => {
  const asked = await askedWhile(w.plimsoll, async () => expect((await resize()).status).toBe(202), reset)
  expect(asked.status).toBe(202)
  expect(await cores()).toBe(before)
  await w.plimsoll.settle()
  expect(await shown()).toEqual(['ACTIVE', before, before])
})

test('where its machine is gone before it has its size', async () => {
  during.work = async () => {
    const { db, host, cloudId } = w.plimsoll
    const [machine] = await db.all<{ id: string }>(sql`select native_id as id from bindings where resource_id = ${id}`)
    await vanish(host.cloudState, cloudId('sandbox'), 'server', machine!.id)
    throw new CloudError('ambiguous', 'Nobody answered.')
  }
  expect((await resize()).status).toBe(202)
  for (let i = 0; i < 3; i++) {
    w.plimsoll.clock.advance(600_000)
    await w.plimsoll.db.run(sql`update bindings set due_at = ${w.plimsoll.clock.now} where resource_id = ${id}`)
    await w.plimsoll.settle()
  }
  expect(await shown()).toEqual(['ERROR', before, before])
  expect((await w.demo.delete(`${NOVA}/servers/${id}`)).status).toBe(204)
  await w.plimsoll.settle()
  expect(await cores()).toBe(0)
})
