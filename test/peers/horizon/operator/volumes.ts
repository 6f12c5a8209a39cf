import type { Ground } from '../../suites/ground.ts'
import type { Teller } from '../story.ts'
import { NAME } from './names.ts'

const TYPES = '/volume/v3/types'

/** Types of volumes and of their groups. */
export const makeTypes = async ({ fill, press, id, link }: Teller, { demo }: Ground): Promise<void> => {
  await fill('create a volume type', '/admin/volume_types/create_type', { name: NAME, vol_type_description: 'one' })
  const type = await id(`${TYPES}?is_public=None`, NAME)
  await fill('edit a volume type', `/admin/volume_types/${type}/update_type/`, {
    name: NAME,
    description: 'two',
    is_public: false,
  })
  await fill('change who has a volume type', `/admin/volume_types/${type}/edit_access/`, { member: [demo.projectId] })
  await fill('create an extra spec', `/admin/volume_types/${type}/extras/create/`, {
    key: 'description_of',
    value: 'one',
  })
  await fill('edit an extra spec', `/admin/volume_types/${type}/extras/description_of/edit/`, { value: 'two' })
  await fill('create a QoS spec', '/admin/volume_types/create_qos_spec', { name: NAME, consumer: 'front-end' })
  const qos = await id('/volume/v3/qos-specs', NAME)
  await fill('create a key of a QoS spec', `/admin/volume_types/qos_specs/${qos}/create/`, {
    key: 'read_iops_sec',
    value: '100',
  })
  await fill('edit the consumer of a QoS spec', `/admin/volume_types/${qos}/edit_qos_spec_consumer/`, {
    consumer_choice: 'both',
  })
  await fill('associate a QoS spec', `/admin/volume_types/${type}/manage_qos_spec_association/`, {
    qos_spec_choice: NAME,
  })
  await fill('encrypt a volume type', `/admin/volume_types/${type}/create_type_encryption/`, {
    provider: 'luks',
    control_location: 'front-end',
    cipher: 'aes-xts-plain64',
    key_size: '256',
  })
  await press('delete a volume type', '/admin/volume_types/', async () => `volume_types__delete__${type}`)
  await press('delete a QoS spec', '/admin/volume_types/', async () => `qos_specs__delete__${qos}`)
  await fill('create a group type', '/admin/group_types/create_type', { name: NAME, group_type_description: 'one' })
  const groupType = async (ending: string) => link('/admin/group_types/', NAME, ending)
  await fill('edit a group type', () => groupType('/update_type/'), { name: NAME, description: 'two' })
  const specs = await groupType('/specs/')
  await fill('create a spec of a group type', `${specs}create/`, { key: 'one', value: 'two' })
  await press('delete a group type', '/admin/group_types/', async () => `group_types__delete__${specs.split('/')[3]}`)
}
