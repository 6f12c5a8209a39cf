import type { Teller } from '../story.ts'
import { NAME } from './names.ts'

const RULES = '[{"local":[{"user":{"name":"{0}"}}],"remote":[{"type":"REMOTE_USER"}]}]'

/** An identity provider, and what its people become. */
export const federate = async ({ fill }: Teller): Promise<void> => {
  await fill('create a mapping', '/identity/mappings/create/', { id: NAME, rules: RULES })
  await fill('edit a mapping', `/identity/mappings/${NAME}/update/`, { rules: RULES })
  await fill('register an identity provider', '/identity/identity_providers/register/', {
    id: NAME,
    remote_ids: 'https://idp.example.org',
    description: 'one',
    enabled: true,
  })
  await fill('edit an identity provider', `/identity/identity_providers/${NAME}/update/`, {
    description: 'two',
    remote_ids: 'https://idp.example.org',
  })
  await fill('add a protocol', `/identity/identity_providers/${NAME}/protocols/create/`, {
    id: 'openid',
    mapping_id: NAME,
  })
}
