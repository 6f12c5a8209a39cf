import { createNetwork, imageNamed } from '../../../support/builders.ts'
import { type Answer, type Client, type Plimsoll, type Start, startPlimsoll } from '../../../support/harness.ts'

export const NOVA = '/compute/v2.1'
export const at = (version: string) => ({ 'OpenStack-API-Version': `compute ${version}` })

export interface World {
  plimsoll: Plimsoll
  /** Speaks 2.1, as Tempest does. */
  demo: Client
  /** Speaks 2.96, as the command line does. */
  newest: Client
  admin: Client
  image: string
  network: string
  subnet: string
  /** Where demo's volumes are. */
  cinder: string
  /** Creates a server of the smallest flavor on the network; more of the body may be given. */
  boot(more?: Record<string, unknown>, client?: Client): Promise<Answer>
  /** The same, brought to rest; gives its id. */
  running(more?: Record<string, unknown>): Promise<string>
  server(id: string, client?: Client): Promise<Answer['body']>
  act(id: string, action: Record<string, unknown>, client?: Client): Promise<Answer>
}

/** One embedded cloud, a network with a subnet, and images. */
export const newWorld = async (start: Start = {}): Promise<World> => {
  const plimsoll = await startPlimsoll(start)
  const demo = plimsoll.as('demo')
  const newest = demo.with(at('2.96'))
  const { network, subnet } = await createNetwork(demo)
  const image = await imageNamed(demo)
  const body = (more: Record<string, unknown>) => ({
    name: 'one',
    flavorRef: '1',
    imageRef: image,
    networks: [{ uuid: network }],
    ...more,
  })
  const world: World = {
    plimsoll,
    demo,
    newest,
    admin: plimsoll.as('admin'),
    image,
    network,
    subnet,
    cinder: `/volume/v3/${plimsoll.projectId('demo')}`,
    boot: (more = {}, client = newest) => client.post(`${NOVA}/servers`, { server: body(more) }),
    running: async (more = {}) => {
      const answer = await world.boot(more)
      if (answer.status !== 202) throw new Error(JSON.stringify(answer.body))
      await plimsoll.settle()
      return answer.body.server.id
    },
    server: async (id, client = newest) => (await client.get(`${NOVA}/servers/${id}`)).body.server,
    act: (id, action, client = newest) => client.post(`${NOVA}/servers/${id}/action`, action),
  }
  return world
}
