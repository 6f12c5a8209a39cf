import type { Client } from '../client.ts'
import { active, available, cinder, made, NOVA, newServer, newVolume, rename, type Story } from './talk.ts'

export const volume: Story = async (c) => {
  const id = await newVolume(c, c.dice.chance(0.1) ? { imageRef: c.world.image } : {})
  if (!id) return
  const path = `${cinder(c)}/volumes/${id}`
  await rename(c, path, 'volume')
  if (c.dice.chance(0.3) && (await available(c, path))) {
    await c.post(`${path}/action`, { 'os-extend': { new_size: 4 } })
    await rename(c, path, 'volume')
  }
  if (c.dice.chance(0.1) && (await available(c, path))) await newVolume(c, { source_volid: id, size: 4 })
  if (c.dice.chance(0.6)) {
    if (c.dice.chance(0.6)) await available(c, path)
    await c.delete(path)
  }
}

const newSnapshot = (c: Client, volume: string) =>
  made(c, `${cinder(c)}/snapshots`, 'snapshot', { volume_id: volume, name: c.name(), force: true })

export const snapshot: Story = async (c) => {
  const id = await newVolume(c)
  if (!id || !(await available(c, `${cinder(c)}/volumes/${id}`))) return
  const copy = await newSnapshot(c, id)
  if (!copy) return
  const path = `${cinder(c)}/snapshots/${copy}`
  await rename(c, path, 'snapshot')
  if (c.dice.chance(0.4) && (await available(c, path))) await newVolume(c, { snapshot_id: copy, size: 3 })
  if (c.dice.chance(0.5)) await c.delete(path)
  if (c.dice.chance(0.5)) await c.delete(`${cinder(c)}/volumes/${id}`)
}

export const attachment: Story = async (c) => {
  const [on, disk] = [await newServer(c), await newVolume(c)]
  if (!on || !disk || !(await active(c, on)) || !(await available(c, `${cinder(c)}/volumes/${disk}`))) return
  const path = `${NOVA}/servers/${on}/os-volume_attachments`
  await c.post(path, { volumeAttachment: { volumeId: disk } })
  if (c.dice.chance(0.6)) {
    await c.pause(5_000)
    await c.delete(`${path}/${disk}`)
    if (c.dice.chance(0.3)) {
      await c.pause(5_000)
      await c.post(path, { volumeAttachment: { volumeId: disk } })
    }
  }
  if (c.dice.chance(0.5)) await c.delete(`${NOVA}/servers/${on}`)
  if (c.dice.chance(0.5)) await c.delete(`${cinder(c)}/volumes/${disk}`)
}
