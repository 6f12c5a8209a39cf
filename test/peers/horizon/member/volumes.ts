import type { Teller } from '../story.ts'
import { VOLUMES } from './names.ts'

/** Volumes, a snapshot, a backup, an image of one, and one that is offered to another project. Gives the id of the first. */
export const makeVolumes = async ({ fill, id, until }: Teller): Promise<string> => {
  await fill('create a volume', '/project/volumes/create/', { name: 'horizon-volume', description: 'one', size: '1' })
  const volume = await id(VOLUMES, 'horizon-volume')
  await until(`${VOLUMES}/${volume}`, 'status', 'available')
  await fill('edit a volume', `/project/volumes/${volume}/update/`, { name: 'horizon-volume', description: 'two' })
  await fill('extend a volume', `/project/volumes/${volume}/extend/`, { new_size: '2' })
  await until(`${VOLUMES}/${volume}`, 'status', 'available')
  await fill('snapshot a volume', `/project/volumes/${volume}/create_snapshot/`, { name: 'horizon-snapshot' })
  const snapshot = await id('/volume/v3/snapshots', 'horizon-snapshot')
  await until(`/volume/v3/snapshots/${snapshot}`, 'status', 'available')
  await fill('edit a snapshot', `/project/snapshots/${snapshot}/update/`, {
    name: 'horizon-snapshot',
    description: 'x',
  })
  await fill('create a volume of a snapshot', `/project/volumes/create/?snapshot_id=${snapshot}`, {
    name: 'horizon-second',
    size: '2',
  })
  await fill('create a backup', `/project/volumes/${volume}/create_backup/`, { name: 'horizon-backup' })
  const second = await id(VOLUMES, 'horizon-second')
  await until(`${VOLUMES}/${second}`, 'status', 'available')
  await fill('upload a volume to an image', `/project/volumes/${second}/upload_to_image/`, {
    image_name: 'horizon-uploaded',
    disk_format: 'raw',
  })
  await until(`${VOLUMES}/${second}`, 'status', 'available')
  await fill('create a transfer', `/project/volumes/${second}/create_transfer/`, { name: 'horizon-transfer' })
  return volume
}
