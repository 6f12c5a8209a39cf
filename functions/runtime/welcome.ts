import { renameSync, writeFileSync } from 'node:fs'
import type { Passwords } from './passwords.ts'

/** `clouds.yaml` as every OpenStack client reads it: `plimsoll` is the user, `plimsoll-admin` the administrator. */
export const cloudsYaml = (url: string, region: string, passwords: Passwords): string =>
  `clouds:\n${entry('plimsoll', 'demo', url, region, passwords.demo)}${entry('plimsoll-admin', 'admin', url, region, passwords.admin)}`

const entry = (
  name: string,
  user: 'admin' | 'demo',
  url: string,
  region: string,
  password: string | undefined,
): string =>
  `  ${name}:
    auth:
      auth_url: ${url}/identity/v3
      username: ${user}${password === undefined ? '' : `\n      password: ${JSON.stringify(password)}`}
      project_name: ${user}
      user_domain_name: Default
      project_domain_name: Default
    region_name: ${region}
    identity_api_version: 3
`

/** A new file in place of the old one: it is never there with more rights than its owner's, nor in half. */
export const writeCloudsYaml = (path: string, text: string): void => {
  writeFileSync(`${path}.new`, text, { mode: 0o600 })
  renameSync(`${path}.new`, path)
}

/** What to type next, for somebody who never saw this program. */
export const welcome = (url: string, folder: string, cloudsFile: string, first: boolean): string => `
Plimsoll serves ${url}
${first ? 'First start: made everything anew in' : 'Goes on with the data in'} ${folder}

Type this in another terminal (the client: pip install python-openstackclient):

  export OS_CLIENT_CONFIG_FILE=${cloudsFile} OS_CLOUD=plimsoll
  openstack image list
  openstack network create net1
  openstack subnet create --network net1 --subnet-range 10.0.0.0/24 sub1
  openstack server create --flavor m1.tiny --image sandbox-linux --network net1 --wait vm1
  openstack server list

The same by itself, with nothing but Node:  npm run demo
As the administrator:  openstack --os-cloud plimsoll-admin project list
Ctrl-C ends it; the next start goes on where this one stopped.
`
