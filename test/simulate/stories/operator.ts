import { Client } from '../client.ts'
import { act, BROKER, cinder, NOVA, rename, type Story } from './talk.ts'

interface Adopted {
  kind: string
  native_id: string
  resource_id: string
  ownership: string
}

/** Somebody's volume or machine becomes a resource in place; its user changes it, or it is handed back as it was. */
export const adoption: Story = async (c) => {
  const operator = new Client(c.scene, 'admin')
  const { strangers } = c.scene
  const machine = c.dice.chance(0.4) ? await strangers.machine() : null
  const volume = await strangers.volume()
  const native = machine?.machine ?? volume
  const all = machine ? [volume, native] : [native]
  await c.pause()
  const wish = { cloud: 'sandbox', native_ids: all, project_id: c.world.projectId, tag: c.dice.chance(0.8) }
  const adopted: Adopted[] = (await operator.post(`${BROKER}/adopt`, wish))?.body?.adopted ?? []
  const item = adopted.find((each) => each.native_id === native)
  for (const id of all) if (adopted.some(({ native_id }) => native_id === id)) c.scene.fates.bound(id)
  if (!item) return
  if (c.dice.chance(0.4)) {
    for (const [kind, id] of machine?.parts ?? [['volume', native] as const]) strangers.letGo(kind, id)
    if (item.kind === 'volume') await rename(c, `${cinder(c)}/volumes/${item.resource_id}`, 'volume', 0.7)
    else await act(c, item.resource_id, { 'os-stop': null })
    if (c.dice.chance(0.3)) {
      c.scene.fates.open(native)
      await c.delete(`${item.kind === 'volume' ? `${cinder(c)}/volumes` : `${NOVA}/servers`}/${item.resource_id}`)
    }
  }
  if (!c.dice.chance(0.6)) return
  c.scene.fates.open(native)
  const answer = await operator.post(`${BROKER}/release`, { resource_ids: [item.resource_id] })
  const released: { native_id: string }[] = answer?.body?.released ?? []
  if (released.some(({ native_id }) => native_id === native)) c.scene.fates.free(native)
}

/** What bears our mark and no row knows; an operator who sees it removes it, with one word or with two. */
export const orphan: Story = async (c) => {
  const operator = new Client(c.scene, 'admin')
  const { strangers, world } = c.scene
  const deployment = world.slots[0]!.host.deployment.id
  const native = await strangers.orphan({ deployment, project: world.projectId })
  c.scene.fates.orphaned(native)
  for (let i = 0; i < 2; i++) {
    await c.pause(4_000)
    await operator.post(`${BROKER}/reconcile`, {})
  }
  const orphans: { id: string; native_id: string }[] = (await operator.get(`${BROKER}/orphans`))?.body?.orphans ?? []
  const found = orphans.find(({ native_id }) => native_id === native)
  if (!found || c.dice.chance(0.2)) return
  const answer = await operator.post(`${BROKER}/orphans/${found.id}/delete`, {})
  if (answer?.status === 204) c.scene.fates.removed(native)
}
