import type { Teller } from '../story.ts'

/** Images, by what the pages of scripts call. */
export const makeImages = async ({ call, id }: Teller): Promise<void> => {
  const picture = await id('/image/v2/images', 'horizon-picture')
  await call('create an image without data', 'PUT', 'glance/images/', {
    name: 'horizon-image',
    disk_format: 'raw',
    container_format: 'bare',
    visibility: 'private',
    min_disk: 1,
    protected: false,
  })
  await call('edit an image', 'PATCH', `glance/images/${picture}/`, {
    name: 'horizon-picture',
    description: 'A picture',
  })
  await call('change the properties of an image', 'PATCH', `glance/images/${picture}/properties/`, {
    updated: { os_distro: 'debian' },
    removed: [],
  })
}
