import { describe, expect, it } from 'vitest'
import { aws } from '../../../adapters/aws/index.ts'
import type { Mark, ServerGroupSpec } from '../../../adapters/contract.ts'
import { type Answer, connection, fake, list, refusal, tags } from './fake.ts'

const mark: Mark = { deployment: 'd1', project: 'p1', kind: 'server_group', resource: 'r1', token: 't1', epoch: 1 }
const spec: ServerGroupSpec = { name: 'web', policy: 'anti-affinity', mostPerHost: null }
const marked = (deployment = 'd1') =>
  tags({
    'plimsoll:deployment': deployment,
    'plimsoll:project': 'p1',
    'plimsoll:kind': 'server_group',
    'plimsoll:resource': 'r1',
    'plimsoll:token': 't1',
    'plimsoll:epoch': '1',
  })
const found = (state = 'available', tagSet = marked()) =>
  list('DescribePlacementGroups', 'placementGroupSet', [
    `<groupName>plimsoll-r1-t1</groupName><groupId>pg-1</groupId><strategy>spread</strategy><state>${state}</state>${tagSet}`,
  ])
const none = list('DescribePlacementGroups', 'placementGroupSet', [])

const groups = (answers: Record<string, Answer>) => {
  const cloud = fake(({ action }) => answers[action] ?? `<${action}Response><return>true</return></${action}Response>`)
  return { cloud, realm: aws.connect(connection(), cloud.surroundings).server_group! }
}

describe('a placement group', () => {
  it('is made to spread, with our mark, in one call', async () => {
    const { cloud, realm } = groups({})
    expect(await realm.create(spec, mark)).toMatchObject({ id: 'plimsoll-r1-t1', mark, health: 'ready' })
    const [{ action, params }] = cloud.asked as [(typeof cloud.asked)[number]]
    expect([action, params.get('GroupName'), params.get('Strategy')]).toEqual([
      'CreatePlacementGroup',
      'plimsoll-r1-t1',
      'spread',
    ])
    expect(params.get('TagSpecification.1.ResourceType')).toBe('placement-group')
    expect([...params.values()]).toContain('plimsoll:token')
  })

  it('that an earlier call made is given back', async () => {
    const { realm } = groups({
      CreatePlacementGroup: refusal('InvalidPlacementGroup.Duplicate'),
      DescribePlacementGroups: found(),
    })
    expect(await realm.create(spec, mark)).toMatchObject({ id: 'plimsoll-r1-t1', mark })
  })

  it('of servers together is refused unasked: a cluster is not one host', async () => {
    const { cloud, realm } = groups({})
    await expect(realm.create({ ...spec, policy: 'affinity' }, mark)).rejects.toMatchObject({ code: 'definitive' })
    expect(cloud.asked).toEqual([])
  })

  it('is found by its mark, seen by its name, and gone when it is not there', async () => {
    const { cloud, realm } = groups({ DescribePlacementGroups: found() })
    expect(await realm.find(mark, spec)).toMatchObject({ id: 'plimsoll-r1-t1', mark })
    expect(cloud.asked[0]!.params.get('Filter.1.Name')).toBe('tag:plimsoll:token')
    expect(await realm.get('plimsoll-r1-t1')).toMatchObject({ health: 'ready', mark })
    expect(cloud.asked[1]!.params.get('Filter.1.Name')).toBe('group-name')
    expect(await groups({ DescribePlacementGroups: none }).realm.get('plimsoll-r1-t1')).toBeNull()
    const leaving = groups({ DescribePlacementGroups: found('deleted') })
    expect(await leaving.realm.get('plimsoll-r1-t1')).toMatchObject({ health: 'gone' })
  })

  it('is removed by its name; while servers run in it that is a conflict, and another deployment keeps its own', async () => {
    const { cloud, realm } = groups({ DescribePlacementGroups: found() })
    await realm.remove('plimsoll-r1-t1', mark)
    expect(cloud.asked.at(-1)).toMatchObject({ action: 'DeletePlacementGroup' })
    expect(cloud.asked.at(-1)!.params.get('GroupName')).toBe('plimsoll-r1-t1')
    const used = groups({
      DescribePlacementGroups: found(),
      DeletePlacementGroup: refusal('InvalidPlacementGroup.InUse'),
    })
    await expect(used.realm.remove('plimsoll-r1-t1', mark)).rejects.toMatchObject({ code: 'conflict' })
    const gone = groups({
      DescribePlacementGroups: found(),
      DeletePlacementGroup: refusal('InvalidPlacementGroup.Unknown'),
    })
    await gone.realm.remove('plimsoll-r1-t1', mark)
    const foreign = groups({ DescribePlacementGroups: found('available', marked('d2')) })
    await expect(foreign.realm.remove('plimsoll-r1-t1', mark)).rejects.toMatchObject({ code: 'definitive' })
  })

  it('beyond the limits of the account is a matter of room', async () => {
    const { realm } = groups({ CreatePlacementGroup: refusal('PlacementGroupLimitExceeded') })
    await expect(realm.create(spec, mark)).rejects.toMatchObject({ code: 'capacity' })
  })
})
