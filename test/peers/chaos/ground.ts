import { setTimeout as pause } from 'node:timers/promises'
import type { Rule } from '../moto/fault-proxy.ts'
import type { Client } from './client.ts'
import type { Ground } from './story.ts'

const IMAGE = 'amzn-ami-hvm-2017.09.1.20171103-x86_64-gp2'
const NETWORK = '/network/v2.0'
/** The only cloud of the run. */
export const CLOUD = 'chaos'

/** What goes wrong on the way to the cloud, and how often. The calls of a second are many more than one. */
export const FAULTS: Rule[] = [
  { action: 'RunInstances', fault: 'InsufficientInstanceCapacity', probability: 0.08 },
  ...['RunInstances', 'CreateVolume', 'CreateNetworkInterface', 'CreateSecurityGroup', 'AllocateAddress'].map(
    (action) => ({
      action,
      fault: 'delay-visibility',
      ms: 1_500,
      probability: 0.15,
    }),
  ),
  ...['RunInstances', 'CreateVolume', 'CreateNetworkInterface', 'CreateSecurityGroup', 'AllocateAddress'].map(
    (action) => ({
      action,
      fault: 'lost-answer',
      probability: 0.1,
    }),
  ),
  { action: '*', fault: 'lost-answer', probability: 0.02 },
  { action: '*', fault: 'lost-call', probability: 0.01 },
  { action: '*', fault: 'RequestLimitExceeded', probability: 0.03 },
  { action: '*', fault: 'InternalError', probability: 0.01 },
]

/** The embedded cloud out, EC2 in, a network with a way out, limits that do not stand in the way. */
export const prepare = async (admin: Client, demo: Client, endpoint: string): Promise<Ground> => {
  await admin.must('GET', '/broker/v1/clouds')
  await demo.must('GET', '/compute/v2.1/flavors')
  await admin.must('DELETE', `/broker/v1/projects/${demo.projectId}/clouds/sandbox`)
  await admin.must('DELETE', '/broker/v1/clouds/sandbox')
  const options = {
    allow_private: true,
    // Longer than the proxy hides anything.
    settle_seconds: 3,
    images: { owners: ['amazon'], names: [IMAGE] },
    instance_types: ['t3.*'],
  }
  const credentials = {
    access_key_id: 'AKIAIOSFODNN7EXAMPLE',
    secret_access_key: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
  }
  const cloud = { name: CLOUD, type: 'aws', endpoint, region: 'us-east-1', options, credentials }
  await admin.must('POST', '/broker/v1/clouds', { cloud })
  await admin.must('PUT', `/broker/v1/projects/${demo.projectId}/clouds/${CLOUD}`, { mapping: {} })
  const taken = await admin.until(`/broker/v1/clouds/${CLOUD}`, ({ body }) => !!body.cloud?.inventory_at, 60_000)
  if (!taken) throw new Error('the inventory of the cloud was not taken within a minute')
  const many = { instances: -1, cores: -1, ram: -1 }
  await admin.must('PUT', `/compute/v2.1/os-quota-sets/${demo.projectId}`, { quota_set: many })
  await admin.must('PUT', `/volume/v3/${admin.projectId}/os-quota-sets/${demo.projectId}`, {
    quota_set: { volumes: -1, gigabytes: -1 },
  })
  const wide = { port: -1, floatingip: -1, security_group: -1, security_group_rule: -1 }
  await admin.must('PUT', `${NETWORK}/quotas/${demo.projectId}`, { quota: wide })
  const { networks } = await demo.must('GET', `${NETWORK}/networks?router:external=true`)
  const external = networks[0].id
  const { images } = await demo.must('GET', '/image/v2/images')
  const { network } = await demo.must('POST', `${NETWORK}/networks`, { network: { name: 'chaos' } })
  const { subnet } = await demo.must('POST', `${NETWORK}/subnets`, {
    subnet: { network_id: network.id, cidr: '10.50.0.0/20', ip_version: 4 },
  })
  const { router } = await demo.must('POST', `${NETWORK}/routers`, {
    router: { name: 'chaos', external_gateway_info: { network_id: external } },
  })
  await demo.must('PUT', `${NETWORK}/routers/${router.id}/add_router_interface`, { subnet_id: subnet.id })
  return {
    project: demo.projectId,
    network: network.id,
    router: router.id,
    subnet: subnet.id,
    external,
    image: images.find(({ name }: { name: string }) => name === IMAGE).id,
    zone: `${CLOUD}.us-east-1a`,
  }
}

/** Everything that the project has is deleted through the API; gives what could not be. */
export const raze = async (demo: Client, ground: Ground, ms: number): Promise<string[]> => {
  const volumes = `/volume/v3/${demo.projectId}/volumes`
  const until = Date.now() + ms
  const shelves: [path: string, key: string][] = [
    [`${NETWORK}/floatingips`, 'floatingips'],
    ['/compute/v2.1/servers', 'servers'],
    [volumes, 'volumes'],
    [`${NETWORK}/ports?device_owner=`, 'ports'],
    [`${NETWORK}/security-groups`, 'security_groups'],
  ]
  for (;;) {
    const left: string[] = []
    for (const [path, key] of shelves) {
      const answer = await demo.must('GET', path)
      for (const { id, name, device_owner = '' } of answer[key]) {
        if (name === 'default' || device_owner !== '') continue
        const { status, body } = await demo.call('DELETE', `${path.split('?')[0]}/${id}`)
        left.push(`${key} ${id}: ${status} ${JSON.stringify(body).slice(0, 160)}`)
      }
    }
    if (!left.length) break
    if (Date.now() > until) return left
    await pause(1_000)
  }
  const router = `${NETWORK}/routers/${ground.router}`
  await demo.call('PUT', `${router}/remove_router_interface`, { subnet_id: ground.subnet })
  for (const path of [router, `${NETWORK}/networks/${ground.network}`]) {
    for (;;) {
      const { status, body } = await demo.call('DELETE', path)
      if (status < 300 || status === 404) break
      if (Date.now() > until) return [`${path}: ${status} ${JSON.stringify(body)}`]
      await pause(1_000)
    }
  }
  return []
}
