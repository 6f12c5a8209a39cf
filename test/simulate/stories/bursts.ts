import { BROKER, NOVA, type Story } from './talk.ts'

/** Some servers of one wish, of which there are to be more or fewer, and which somebody deletes in between. */
export const burst: Story = async (c) => {
  const count = (most: number) => ({ count: { min: 1, max: most } })
  const wish = { name: 'farm', flavor: '1', image: c.world.image, networks: 'none', ...count(c.dice.between(1, 4)) }
  const id = (await c.post(`${BROKER}/bursts`, wish))?.body?.burst?.id
  if (!id) return
  const path = `${BROKER}/bursts/${id}`
  if (c.dice.chance(0.5)) await c.until(path, (body) => body.burst.state === 'running', 6)
  if (c.dice.chance(0.5)) await c.patch(path, count(c.dice.between(1, 4)))
  if (c.dice.chance(0.3)) {
    const members = (await c.get(`${path}/members`))?.body?.members
    if (members?.length) await c.delete(`${NOVA}/servers/${c.dice.pick(members as { server_id: string }[]).server_id}`)
  }
  if (c.dice.chance(0.3)) await c.patch(path, count(c.dice.between(1, 4)))
  if (c.dice.chance(0.6)) await c.delete(path)
}
