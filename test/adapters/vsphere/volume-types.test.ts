import { expect, it } from 'vitest'
import type { Mark } from '../../../adapters/contract.ts'
import { vsphere } from '../../../adapters/vsphere/index.ts'
import { connection, fake } from './fake.ts'

const MARK: Mark = { deployment: 'd1', project: 'p', kind: 'volume', resource: 'r', token: 't', epoch: 1 }
const returned = (method: string, inside: string, attributes = '') =>
  `<${method}Response><returnval${attributes}>${inside}</returnval></${method}Response>`
const DISK =
  '<config><name>d</name><capacityInMB>1024</capacityInMB><backing><datastore type="Datastore">datastore-1</datastore></backing></config>'

/** A vCenter with one disk that has a snapshot, sold with two policies beside that of all disks. */
const policies = () => {
  const made = fake(({ method }) => {
    if (method === 'VslmRetrieveVStorageObject') return returned(method, DISK)
    if (method.startsWith('Vslm')) return returned(method, '')
    return returned(method, 'task-1', ' type="Task"')
  })
  const { options } = connection()
  const sold = { ...options, storage_policy: 'p-plain', volume_types: { gold: 'p-gold', 'cheap & slow': 'p-slow' } }
  return { ...made, cloud: vsphere.connect(connection({ options: sold }), made.surroundings) }
}

it("volume types are the operator's names for storage policies", async () => {
  expect(await policies().cloud.volumeTypes!()).toEqual([{ name: 'gold' }, { name: 'cheap & slow' }])
  const { surroundings } = fake(() => '')
  expect(await vsphere.connect(connection(), surroundings).volumeTypes!()).toEqual([])
})

it.each([
  ['gold', 'p-gold'],
  ['cheap & slow', 'p-slow'],
  [null, 'p-plain'],
])('a disk of type %s is asked for with policy %s', async (type, policy) => {
  const { asked, cloud } = policies()
  const source = { kind: 'snapshot', id: 'disk-1/snapshot-1' } as const
  await cloud.volume!.create({ name: 'v', sizeGiB: 1, zone: 'z', type, source }, MARK)
  const [call] = asked.filter(({ method }) => method === 'CreateDiskFromSnapshot_Task')
  expect(call?.body.match(/<profileId>[^<]*<\/profileId>/g)).toEqual([`<profileId>${policy}</profileId>`])
})

it('a disk of a type that the operator has not named is refused before any call that changes something', async () => {
  const { cloud, methods } = policies()
  const spec = { name: 'v', sizeGiB: 1, zone: 'z', type: 'silver', source: null }
  await expect(cloud.volume!.create(spec, MARK)).rejects.toThrow('The cloud has no volume type silver.')
  expect(methods().filter((method) => method.endsWith('_Task'))).toEqual([])
})
