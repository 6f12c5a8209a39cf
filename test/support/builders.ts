import type { Answer, Client, Plimsoll } from './harness.ts'

/**
 * What a story needs before it begins, under the names of the API: made through it, brought to rest, and a fault of the
 * story if it is refused.
 */
const made = (answer: Answer): Answer['body'] => {
  if (answer.status >= 300) throw new Error(`${answer.status} ${JSON.stringify(answer.body)}`)
  return answer.body
}

type Wish = Record<string, unknown>

/** A network with one subnet; their ids. */
export const createNetwork = async (
  client: Client,
  { name = 'private', ...subnet }: Wish = {},
): Promise<{ network: string; subnet: string }> => {
  const { network } = made(await client.post('/network/v2.0/networks', { network: { name } }))
  const body = { network_id: network.id, ip_version: 4, cidr: '10.0.0.0/24', ...subnet }
  const { subnet: under } = made(await client.post('/network/v2.0/subnets', { subnet: body }))
  return { network: network.id, subnet: under.id }
}

/** The id of an image that the embedded cloud offers to everybody. */
export const imageNamed = async (client: Client, name = 'sandbox-linux'): Promise<string> =>
  made(await client.get(`/image/v2/images?name=${name}`)).images[0].id

/** The smallest server, on no network; its id. */
export const createServer = async (plimsoll: Plimsoll, client: Client, wish: Wish = {}): Promise<string> => {
  const server = {
    name: 's',
    flavorRef: '1',
    imageRef: wish.imageRef ?? (await imageNamed(client)),
    networks: 'none',
    ...wish,
  }
  const headers = { 'OpenStack-API-Version': 'compute 2.96' }
  const { id } = made(await client.post('/compute/v2.1/servers', { server }, headers)).server
  await plimsoll.settle()
  return id
}

/** A volume of one GiB; its id. */
export const createVolume = async (plimsoll: Plimsoll, client: Client, wish: Wish = {}): Promise<string> => {
  const headers = { 'OpenStack-API-Version': 'volume 3.70' }
  const { id } = made(await client.post('/volume/v3/volumes', { volume: { size: 1, ...wish } }, headers)).volume
  await plimsoll.settle()
  return id
}
