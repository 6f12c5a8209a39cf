import type { Teller } from '../story.ts'
import { IDENTITY, NAME } from './names.ts'

/** Takes away what the panels were to show. */
export const retires = async ({ press, id }: Teller): Promise<void> => {
  await press(
    'delete an identity provider',
    '/identity/identity_providers/',
    async () => `identity_providers__delete__${NAME}`,
  )
  await press('delete a mapping', '/identity/mappings/', async () => `idp_mappings__delete__${NAME}`)
  await press(
    'delete a group',
    '/identity/groups/',
    async () => `groups__delete__${await id(`${IDENTITY}/groups`, NAME)}`,
  )
  await press('delete a user', '/identity/users/', async () => `users__delete__${await id(`${IDENTITY}/users`, NAME)}`)
  await press(
    'delete a flavor',
    '/admin/flavors/',
    async () => `flavors__delete__${await id('/compute/v2.1/flavors?is_public=None', NAME)}`,
  )
  await press(
    'delete a project',
    '/identity/',
    async () => `tenants__delete__${await id(`${IDENTITY}/projects`, NAME)}`,
  )
}
