import { type Operation, operation } from '../http/operation.ts'

/* Versions: https://docs.openstack.org/api-ref/network/v2/#api-versions. Public, because clients look before they log in. */

const version = (base: string) => ({
  id: 'v2.0',
  status: 'CURRENT',
  links: [{ rel: 'self', href: `${base}/v2.0/` }],
})

const collections = [
  ['network', 'networks', 'networks'],
  ['subnet', 'subnets', 'subnets'],
  ['port', 'ports', 'ports'],
  ['router', 'routers', 'routers'],
  ['floatingip', 'floatingips', 'floatingips'],
  ['security_group', 'security_groups', 'security-groups'],
  ['security_group_rule', 'security_group_rules', 'security-group-rules'],
  ['subnetpool', 'subnetpools', 'subnetpools'],
  ['extension', 'extensions', 'extensions'],
  ['quota', 'quotas', 'quotas'],
]

export const versionOperations: Operation[] = [
  ...['', '/'].map((path) =>
    operation({
      name: path ? 'version.list_slash' : 'version.list',
      method: 'GET',
      path,
      who: 'public',
      summary: 'Lists the versions of the Networking API.',
      status: 200,
      handle: ({ base }) => ({ body: { versions: [version(base)] } }),
    }),
  ),
  ...['/v2.0', '/v2.0/'].map((path) =>
    operation({
      name: path.endsWith('/') ? 'version.get_slash' : 'version.get',
      method: 'GET',
      path,
      who: 'public',
      summary: 'Shows the version and its resources.',
      status: 200,
      handle: ({ base }) => ({
        body: {
          version: version(base),
          resources: collections.map(([name, collection, at]) => ({
            name,
            collection,
            links: [{ rel: 'self', href: `${base}/v2.0/${at}` }],
          })),
        },
      }),
    }),
  ),
]
