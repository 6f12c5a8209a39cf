import { describe, expect, it } from 'vitest'
import { isTask } from '../../../../adapters/contract.ts'
import { vsphere } from '../../../../adapters/vsphere/index.ts'
import { type Asked, connection, fake } from '../fake.ts'

const prop = (name: string, val: string, of = '') => `<propSet><name>${name}</name><val${of}>${val}</val></propSet>`
const object = (type: string, id: string, ...props: string[]) =>
  `<objects><obj type="${type}">${id}</obj>${props.join('')}</objects>`
const DATACENTER = object(
  'Datacenter',
  'dc-1',
  prop('name', 'dc'),
  prop('vmFolder', 'group-v1', ' type="Folder"'),
  prop('networkFolder', 'group-n1', ' type="Folder"'),
)
const CLUSTER =
  object(
    'ClusterComputeResource',
    'domain-c1',
    prop('name', 'c1'),
    prop('resourcePool', 'resgroup-1', ' type="ResourcePool"'),
  ) +
  object(
    'Datastore',
    'datastore-1',
    prop('name', 'fast'),
    prop('summary.freeSpace', '9'),
    prop('summary.accessible', 'true'),
  )
const ITS_STORES = object(
  'ClusterComputeResource',
  'domain-c1',
  prop('datastore', '<ManagedObjectReference type="Datastore">datastore-1</ManagedObjectReference>'),
)
const MARK = {
  deployment: 'd1',
  project: 'p',
  kind: 'image',
  resource: 'r',
  token: crypto.randomUUID(),
  epoch: 1,
} as const
/** An image of a volume whose machine is cloned by that task. */
const CLONING = { copy: { name: 'of a volume', volume: 'disk-1', mark: MARK, making: 'task-9' } }

/** A vCenter that shows nothing of the machine, and says that of the task. */
const cloning = (info: string) => {
  const made = fake(({ method, body }: Asked) => {
    const found = (objects: string) => `<${method}Response><returnval>${objects}</returnval></${method}Response>`
    if (method === 'CreateContainerView')
      return '<CreateContainerViewResponse><returnval type="ContainerView">v</returnval></CreateContainerViewResponse>'
    if (method !== 'RetrievePropertiesEx') return `<${method}Response/>`
    if (body.includes('type="Task"')) return found(info && object('Task', 'task-9', prop('info', info)))
    if (body.includes('type="ClusterComputeResource"')) return found(ITS_STORES)
    if (body.includes('<type>Datacenter</type>')) return found(DATACENTER)
    return found(body.includes('<type>ComputeResource</type>') ? CLUSTER : '')
  })
  return vsphere.connect(connection(), made.surroundings).image
}

describe('an image of a volume whose machine is still being cloned', () => {
  it('is waited for as long as the clone runs, though nothing of it shows', async () => {
    const outcome = await cloning('<state>running</state>').poll!(CLONING)
    expect(isTask(outcome) && outcome.task).toEqual(CLONING)
  })

  it('is refused with what the clone ended by', async () => {
    const error = '<fault xsi:type="InsufficientStorageSpace"/><localizedMessage>No space</localizedMessage>'
    const failed = `<state>error</state><error>${error}</error>`
    await expect(cloning(failed).poll!(CLONING)).rejects.toMatchObject({ code: 'capacity' })
  })

  it.each([
    ['the clone is over', '<state>success</state>'],
    ['vCenter forgot the task', ''],
  ])('is gone where %s, and there is no machine', async (_, info) => {
    await expect(cloning(info).poll!(CLONING)).rejects.toMatchObject({ code: 'not_found' })
  })
})
