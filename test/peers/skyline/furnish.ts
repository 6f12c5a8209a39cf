import { type Ground, NETWORK } from '../suites/ground.ts'
import type { Api } from '../support/api.ts'
import { patiently } from '../support/patiently.ts'

const WAIT_MS = 60_000
const NAME = 'skyline-thing'

/** Puts one of each thing into the project of a member, so that there is something in each list. */
export const furnish = async ({ demo, ids }: Ground): Promise<void> => {
  const [nova, cinder, neutron] = ['/compute/v2.1', `/volume/v3/${demo.projectId}`, '/network/v2.0']
  const { networks } = await demo.must('GET', `${neutron}/networks?name=${NETWORK}&project_id=${demo.projectId}`)
  await demo.must('POST', `${nova}/os-keypairs`, { keypair: { name: NAME } })
  await demo.must('POST', `${nova}/os-server-groups`, { server_group: { name: NAME, policies: ['anti-affinity'] } })
  await demo.must('POST', `${neutron}/security-groups`, { security_group: { name: NAME } })
  const size = { name: NAME, size: 1 }
  const { volume } = await demo.must('POST', `${cinder}/volumes`, { volume: size })
  await is(demo, `${cinder}/volumes/${volume.id}`, 'available')
  await demo.must('POST', `${cinder}/snapshots`, { snapshot: { name: NAME, volume_id: volume.id } })
  await demo.must('POST', `${cinder}/backups`, { backup: { name: NAME, volume_id: volume.id } })
  const wish = {
    name: NAME,
    imageRef: ids.image,
    flavorRef: ids.flavor,
    key_name: NAME,
    networks: [{ uuid: networks[0].id }],
  }
  const { server } = await demo.must('POST', `${nova}/servers`, { server: wish })
  await is(demo, `${nova}/servers/${server.id}`, 'ACTIVE')
  await demo.must('POST', `${nova}/servers/${server.id}/action`, { createImage: { name: NAME } })
  const { ports } = await demo.must('GET', `${neutron}/ports?device_id=${server.id}`)
  const floatingip = { floating_network_id: ids.external, port_id: ports[0].id }
  await demo.must('POST', `${neutron}/floatingips`, { floatingip })
}

const is = (person: Api, path: string, status: string): Promise<void> =>
  patiently(async () => {
    const [thing] = Object.values(await person.must('GET', path)) as [{ status: string }]
    if (thing.status !== status) throw new Error(`${path} is ${thing.status}, not ${status}`)
  }, WAIT_MS)
