import type { Ground } from '../../suites/ground.ts'
import type { Teller } from '../story.ts'
import { IDENTITY, NAME } from './names.ts'

const SECRET = 'horizon-Secret-1'

/** Projects, users, groups, roles and domains. Gives the id of the project. */
export const makePeople = async ({ fill, press, call, id, look }: Teller, { admin }: Ground): Promise<string> => {
  const role = async (name: string) => id(`${IDENTITY}/roles`, name)
  const member = await role('member')
  await fill('create a project', '/identity/create', { name: NAME, description: 'one', enabled: true })
  const project = await id(`${IDENTITY}/projects`, NAME)
  await fill('create a user', '/identity/users/create/', {
    name: NAME,
    email: 'somebody@example.org',
    password: SECRET,
    confirm_password: SECRET,
    project,
    role_id: member,
    enabled: true,
  })
  const user = await id(`${IDENTITY}/users`, NAME)
  await fill('edit a user', `/identity/users/${user}/update/`, { name: NAME, description: 'two' })
  await fill('change a password', `/identity/users/${user}/change_password/`, {
    password: SECRET,
    confirm_password: SECRET,
  })
  await fill('edit a project and its members', `/identity/${project}/update/`, {
    name: NAME,
    description: 'two',
    [`update_members_role_${member}`]: [user, admin.userId],
  })
  await fill('change the quotas of a project', `/identity/${project}/update_quotas/`, {
    instances: '7',
    cores: '14',
    volumes: '8',
    network: '9',
    subnet: '9',
    port: '90',
    router: '9',
    floatingip: '9',
    security_group: '11',
    security_group_rule: '110',
  })
  await look('look at the use of a project', async () => `/identity/${project}/usage/`)
  await press('disable a user', '/identity/users/', async () => `users__toggle__${user}`)
  await press('enable a user', '/identity/users/', async () => `users__toggle__${user}`)
  await fill('create a group', '/identity/groups/create', { name: NAME, description: 'one' })
  const group = await id(`${IDENTITY}/groups`, NAME)
  await fill('edit a group', `/identity/groups/${group}/update/`, { name: NAME, description: 'two' })
  await press(
    'add a user to a group',
    `/identity/groups/${group}/add_members/`,
    async () => `group_non_members__add__${user}`,
  )
  await press(
    'remove a user from a group',
    `/identity/groups/${group}/manage_members/`,
    async () => `group_members__removeGroupMember__${user}`,
  )
  await call('create a role', 'POST', 'keystone/roles/', { name: NAME })
  await call('rename a role', 'PATCH', async () => `keystone/roles/${await role(NAME)}`, { name: `${NAME}-2` })
  await call('delete a role', 'DELETE', async () => `keystone/roles/${await role(`${NAME}-2`)}`)
  await fill('create a domain', '/identity/domains/create', { name: NAME, description: 'one', enabled: true })
  const domain = await id(`${IDENTITY}/domains`, NAME)
  await fill('edit a domain', `/identity/domains/${domain}/update/`, { name: NAME, description: 'two' })
  await press('disable a domain', '/identity/domains/', async () => `domains__disable__${domain}`)
  await press('delete a domain', '/identity/domains/', async () => `domains__delete__${domain}`)
  await fill('create a credential', '/identity/credentials/create/', {
    user_name: user,
    cred_type: 'ec2',
    data: '{"access":"a1","secret":"s1"}',
    project,
  })
  await press('delete a credential', '/identity/credentials/', async () => 'credentialstable__delete__')
  return project
}
