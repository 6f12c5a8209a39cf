import { beforeEach, describe, expect, test } from 'vitest'
import { remembered } from '../../../adapters/sandbox/backdoor.ts'
import { createNetwork, createServer } from '../../support/builders.ts'
import { type Client, type Plimsoll, startPlimsoll } from '../../support/harness.ts'

/* Blocks of addresses under one name, and rules that name it. */

const V2 = '/network/v2.0'
let plimsoll: Plimsoll
let demo: Client
beforeEach(async () => {
  plimsoll = await startPlimsoll()
  demo = plimsoll.as('demo')
})
const fault = (answer: { status: number; body: { NeutronError: { type: string; message: string } } }) => [
  answer.status,
  answer.body.NeutronError.type,
  answer.body.NeutronError.message,
]
const make = (addresses: unknown, more: object = {}) =>
  demo.post(`${V2}/address-groups`, { address_group: { name: 'office', addresses, ...more } })
const add = (id: string, addresses: string[]) => demo.put(`${V2}/address-groups/${id}/add_addresses`, { addresses })
const remove = (id: string, addresses: string[]) =>
  demo.put(`${V2}/address-groups/${id}/remove_addresses`, { addresses })

describe('an address group', () => {
  test('is made, changed and deleted', async () => {
    const made = await make(['10.1.0.0/16', '192.0.2.7/32', '2001:db8:0::/64', '10.1.0.9/16'])
    expect(made.status).toBe(201)
    expect(made.body.address_group).toMatchObject({
      ...{ name: 'office', description: '', shared: false, project_id: plimsoll.projectId('demo'), revision_number: 0 },
      addresses: ['10.1.0.0/16', '192.0.2.7/32', '2001:db8::/64'],
    })
    const { id } = made.body.address_group
    expect((await add(id, ['10.2.0.0/16'])).body.address_group.addresses).toHaveLength(4)
    expect(fault(await add(id, ['10.2.0.0/16']))).toEqual([
      ...[400, 'AddressesAlreadyExist', `Addresses ['10.2.0.0/16'] already exist in the address group ${id}.`],
    ])
    expect((await remove(id, ['10.2.0.0/16', '10.1.0.0/16'])).body.address_group.addresses).toEqual([
      ...['192.0.2.7/32', '2001:db8::/64'],
    ])
    expect(fault(await remove(id, ['10.200.200.200']))[0]).toBe(404)
    expect(fault(await remove(id, ['this is none']))[0]).toBe(400)
    expect(fault(await remove(id, ['10.2.0.0/16']))).toEqual([
      ...[404, 'AddressesNotFound', `Addresses ['10.2.0.0/16'] not found in the address group ${id}.`],
    ])
    const named = await demo.put(`${V2}/address-groups/${id}`, { address_group: { name: 'home' } })
    expect(named.body.address_group.name).toBe('home')
    expect((await demo.get(`${V2}/address-groups?name=home`)).body.address_groups).toEqual([named.body.address_group])
    expect((await demo.get(`${V2}/quotas/${plimsoll.projectId('demo')}/details`)).body.quota.address_group.used).toBe(1)
    expect((await demo.delete(`${V2}/address-groups/${id}`)).status).toBe(204)
    expect(fault(await demo.get(`${V2}/address-groups/${id}`))).toEqual([
      ...[404, 'AddressGroupNotFound', `Address group ${id} could not be found.`],
    ])
  })

  test('has blocks, and not too many', async () => {
    for (const addresses of [
      'x',
      ['10.0.0.0/33'],
      ['10.0.0.1'],
      ['this is none'],
      ['10.0.0.0/24', '10.0.0.0/24'],
      [null],
      [{}],
      Array.from({ length: 101 }, (_, i) => `10.0.${i}.0/24`),
    ])
      expect((await make(addresses)).status).toBe(400)
    const { id } = (await make([])).body.address_group
    expect((await demo.put(`${V2}/address-groups/${id}`, { address_group: { addresses: [] } })).status).toBe(400)
    await plimsoll.newProject('other')
    expect((await plimsoll.as('other').get(`${V2}/address-groups/${id}`)).status).toBe(404)
    await demo.post(`${V2}/rbac-policies`, {
      rbac_policy: {
        ...{ object_type: 'address_group', object_id: id, target_tenant: plimsoll.projectId('other') },
        action: 'access_as_shared',
      },
    })
    expect((await plimsoll.as('other').get(`${V2}/address-groups/${id}`)).body.address_group.shared).toBe(true)
    expect(fault(await plimsoll.as('other').delete(`${V2}/address-groups/${id}`))[0]).toBe(403)
    const renamed = await plimsoll.as('other').put(`${V2}/address-groups/${id}`, { address_group: { name: 'mine' } })
    expect(fault(renamed)).toEqual([404, 'AddressGroupNotFound', `Address group ${id} could not be found.`])
  })
})

describe('a rule of an address group', () => {
  test('lets its blocks through, whichever they are by then', async () => {
    const { id } = (await make(['10.1.0.0/16', '192.0.2.7/32', '2001:db8::/64'])).body.address_group
    const group = (await demo.post(`${V2}/security-groups`, { security_group: { name: 'g' } })).body.security_group.id
    const rule = (more: object) =>
      demo.post(`${V2}/security-group-rules`, {
        security_group_rule: { security_group_id: group, direction: 'ingress', protocol: 'tcp', ...more },
      })
    const made = await rule({ remote_address_group_id: id })
    expect([made.status, made.body.security_group_rule.remote_address_group_id]).toEqual([201, id])
    expect(fault(await rule({ remote_address_group_id: id }))[1]).toBe('SecurityGroupRuleExists')
    expect((await rule({})).status).toBe(201)
    expect(fault(await rule({ remote_address_group_id: id, remote_ip_prefix: '10.0.0.0/8' }))[2]).toBe(
      'Only remote_ip_prefix or remote_group_id or remote_address_group_id may be provided.',
    )
    expect((await rule({ remote_address_group_id: crypto.randomUUID() })).status).toBe(404)

    const { network } = await createNetwork(demo, { name: 'n', cidr: '10.0.0.0/24' })
    const port = (await demo.post(`${V2}/ports`, { port: { network_id: network, security_groups: [group] } })).body.port
      .id
    await createServer(plimsoll, demo, { networks: [{ port }] })
    const onCloud = async () => {
      await plimsoll.settle()
      const groups = await remembered(plimsoll.host.cloudState, plimsoll.cloudId('sandbox'), 'security_group')
      const { rules } = groups.find(({ mark }) => mark?.resource === group)!.spec
      return rules.filter(({ direction, cidr }) => direction === 'ingress' && cidr !== null).map(({ cidr }) => cidr)
    }
    expect(await onCloud()).toEqual(['10.1.0.0/16', '192.0.2.7/32'])
    await add(id, ['10.5.0.0/16'])
    expect(await onCloud()).toEqual(['10.1.0.0/16', '192.0.2.7/32', '10.5.0.0/16'])
    await remove(id, ['10.1.0.0/16', '192.0.2.7/32', '10.5.0.0/16'])
    expect(await onCloud()).toEqual([])
    expect(fault(await demo.delete(`${V2}/address-groups/${id}`))[1]).toBe('AddressGroupInUse')
    await demo.delete(`${V2}/security-group-rules/${made.body.security_group_rule.id}`)
    expect((await demo.delete(`${V2}/address-groups/${id}`)).status).toBe(204)
  })
})
