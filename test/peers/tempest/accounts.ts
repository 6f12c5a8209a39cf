import { type Api, logInAs, type Person } from '../support/api.ts'
import type { Broker } from '../support/broker.ts'

/**
 * Tempest's people, made before it starts: a project reaches no cloud before an admin maps it, so Tempest cannot make
 * projects of its own as it goes. https://docs.openstack.org/tempest/latest/configuration.html#pre-provisioned-credentials
 */
export interface Account extends Person {
  roles: string[]
  /** Name of the network that servers of this account get. */
  network?: string
}

/** The network of every project that has servers: of one name, as Tempest is told by one which address of a server it logs in at. */
export const NETWORK = 'tempest-net'

const PASSWORD = 'peers-tempest-password'
const person = (project: string, name: string, roles: string[], network?: string): Account => ({
  name: `${project}-${name}`,
  password: PASSWORD,
  project,
  roles,
  ...(network ? { network } : {}),
})

/** As many test classes at a time; each wants people of its own. */
export const WORKERS = 2
const workers = Array.from({ length: WORKERS }, (_, i) => i + 1)

/** The order matters: the second user of a test is the first of the file who is free, whatever his role. */
const ACCOUNTS: Account[] = [
  ...workers.map((i) => person(`tempest-other-${i}`, 'member', ['member'], NETWORK)),
  ...workers.flatMap((i) => [
    person(`tempest-${i}`, 'member', ['member'], NETWORK),
    person(`tempest-${i}`, 'reader', ['reader']),
  ]),
  ...workers.map((i) => person('tempest-admin', `admin-${i}`, ['admin'])),
]

/** Makes the people and their projects, maps each to the cloud, and gives it a network with a subnet. */
export const makeAccounts = async (broker: Broker, admin: Api, cloud: string): Promise<Account[]> => {
  const { roles } = await admin.must('GET', '/identity/v3/roles')
  const roleIds = new Map<string, string>(roles.map((role: { id: string; name: string }) => [role.name, role.id]))
  const projects = new Map<string, string>()
  // Some clouds have every range once, whosever it is.
  let range = 64
  for (const { name, password, project, roles: given, network } of ACCOUNTS) {
    if (!projects.has(project)) {
      const made = await admin.must('POST', '/identity/v3/projects', { project: { name: project } })
      projects.set(project, made.project.id)
      await admin.must('PUT', `/broker/v1/projects/${made.project.id}/clouds/${cloud}`, { mapping: {} })
    }
    const { user } = await admin.must('POST', '/identity/v3/users', { user: { name, password } })
    for (const role of given) {
      const path = `/identity/v3/projects/${projects.get(project)}/users/${user.id}/roles/${roleIds.get(role)}`
      await admin.must('PUT', path)
    }
    if (network) {
      const cidr = `10.${range++}.0.0/20`
      await makeNetwork(await logInAs(broker, { name, password, project }), network, cidr)
    }
  }
  return ACCOUNTS
}

/** From here on Tempest makes projects of its own as it goes: each begins with the cloud. */
export const letProjectsBegin = (admin: Api, cloud: string) =>
  admin.must('PUT', '/broker/v1/domains/default/project-template', {
    project_template: {
      clouds: { [cloud]: {} },
      quotas: { instances: 50, cores: 200, ram: 512 * 1024, volumes: 50, gigabytes: 1000 },
      policy: { budget: { amount: '1000000', currency: 'USD' } },
      most_projects: 10_000,
    },
  })

const OUTSIDE = 'tempest-outside'

/**
 * An external network of the operator's own, from which gateways and public addresses have addresses that are known; made once.
 */
export const makeOutside = async (broker: Broker, accounts: Account[]): Promise<{ id: string; name: string }> => {
  const api = await logInAs(broker, accounts.find(({ roles }) => roles.includes('admin'))!)
  const { networks } = await api.must('GET', `/network/v2.0/networks?name=${OUTSIDE}`)
  if (networks[0]) return networks[0]
  const { network } = await api.must('POST', '/network/v2.0/networks', {
    network: { name: OUTSIDE, 'router:external': true },
  })
  const subnet = { network_id: network.id, ip_version: 4, cidr: '198.51.100.0/24', enable_dhcp: false }
  await api.must('POST', '/network/v2.0/subnets', { subnet })
  return network
}

const makeNetwork = async (api: Api, name: string, cidr: string): Promise<void> => {
  const { network } = await api.must('POST', '/network/v2.0/networks', { network: { name } })
  const subnet = { network_id: network.id, ip_version: 4, cidr }
  await api.must('POST', '/network/v2.0/subnets', { subnet })
}

/** What was made for the accounts goes again; what Tempest itself left does not. */
export const removeNetworks = async (broker: Broker, accounts: Account[]): Promise<void> => {
  for (const account of accounts.filter(({ network }) => network)) {
    const api = await logInAs(broker, account)
    const { networks } = await api.must('GET', `/network/v2.0/networks?name=${account.network}`)
    for (const { id } of networks) await api.must('DELETE', `/network/v2.0/networks/${id}`)
  }
  const api = await logInAs(broker, accounts.find(({ roles }) => roles.includes('admin'))!)
  const { networks } = await api.must('GET', `/network/v2.0/networks?name=${OUTSIDE}`)
  for (const { id } of networks) await api.must('DELETE', `/network/v2.0/networks/${id}`)
}

/** `accounts.yaml`, of which JSON is a part. */
export const accountsFile = (accounts: Account[]): string =>
  JSON.stringify(
    accounts.map(({ name, password, project, roles, network }) => ({
      username: name,
      password,
      project_name: project,
      domain_name: 'Default',
      roles,
      ...(roles.includes('admin') ? { types: ['admin'] } : {}),
      ...(network ? { resources: { network } } : {}),
    })),
    null,
    1,
  )
