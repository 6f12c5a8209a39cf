import type { Client } from '../client.ts'
import { act, active, made, NEUTRON, NOVA, newServer, rename, type Story } from './talk.ts'

const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ6XHBU2Zc0mD3nSbqN1oUuq2yHfE1tT1wWv5gq0m8aB somebody'

/** What is asked of a server that runs, each with what may be asked of it next. */
const actions = (c: Client): [action: object, after: object][] => [
  [{ 'os-stop': null }, { 'os-start': null }],
  [{ reboot: { type: 'HARD' } }, { 'os-stop': null }],
  [{ reboot: { type: 'SOFT' } }, { 'os-stop': null }],
  [{ resize: { flavorRef: '2' } }, { confirmResize: null }],
  [{ resize: { flavorRef: '2' } }, { revertResize: null }],
  [{ rebuild: { imageRef: c.world.image, name: c.name() } }, { 'os-stop': null }],
  [{ pause: null }, { unpause: null }],
  [{ suspend: null }, { resume: null }],
]

const onServer = async (c: Client, id: string) => {
  const path = `${NOVA}/servers/${id}`
  if (c.dice.chance(0.6) && (await active(c, id))) {
    const [action, after] = c.dice.pick(actions(c))
    await act(c, id, action)
    await rename(c, path, 'server', 0.3)
    if (c.dice.chance(0.5)) {
      if (c.dice.chance(0.5)) await c.until(path, (body) => body.server['OS-EXT-STS:task_state'] === null)
      await act(c, id, after)
    }
  }
  if (c.dice.chance(0.2)) await c.put(`${path}/metadata`, { metadata: { for: c.name() } })
  await rename(c, path, 'server', 0.2)
  if (c.dice.chance(0.6)) await c.delete(path)
}

export const server: Story = async (c) => {
  const id = await newServer(c)
  if (id) await onServer(c, id)
}

export const connected: Story = async (c) => {
  const id = await newServer(c, [{ uuid: c.world.network }])
  if (id) await onServer(c, id)
}

export const image: Story = async (c) => {
  const id = await newServer(c)
  if (!id || !(await active(c, id))) return
  const copy = (await act(c, id, { createImage: { name: c.name() } }))?.body?.image_id
  if (!copy) return
  const path = `/image/v2/images/${copy}`
  if (c.dice.chance(0.5)) await c.until(path, (body) => body.status === 'active')
  if (c.dice.chance(0.5)) await c.patch(path, [{ op: 'replace', path: '/name', value: c.name() }])
  if (c.dice.chance(0.4)) await act(c, id, { rebuild: { imageRef: copy } })
  if (c.dice.chance(0.5)) await c.delete(path)
  if (c.dice.chance(0.5)) await c.delete(`${NOVA}/servers/${id}`)
}

export const port: Story = async (c) => {
  const id = await made(c, `${NEUTRON}/ports`, 'port', { network_id: c.world.network, name: c.name() })
  if (!id) return
  const on = c.dice.chance(0.5) ? await newServer(c, [{ port: id }]) : await newServer(c)
  await rename(c, `${NEUTRON}/ports/${id}`, 'port', 0.3)
  if (on && c.dice.chance(0.7) && (await active(c, on))) {
    await c.post(`${NOVA}/servers/${on}/os-interface`, { interfaceAttachment: { port_id: id } })
    await c.pause(5_000)
    if (c.dice.chance(0.6)) await c.delete(`${NOVA}/servers/${on}/os-interface/${id}`)
  }
  if (on && c.dice.chance(0.6)) await c.delete(`${NOVA}/servers/${on}`)
  if (c.dice.chance(0.6)) await c.delete(`${NEUTRON}/ports/${id}`)
}

export const keypair: Story = async (c) => {
  const name = c.name()
  await c.post(`${NOVA}/os-keypairs`, { keypair: { name, public_key: KEY } })
  const on = await newServer(c, 'none', { key_name: name })
  if (on && c.dice.chance(0.6)) await c.delete(`${NOVA}/servers/${on}`)
  if (c.dice.chance(0.6)) await c.delete(`${NOVA}/os-keypairs/${name}`)
}
