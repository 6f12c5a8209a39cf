import { type Input, type Operation, operation } from '../http/operation.ts'

const version = (base: string) => ({
  id: 'v3.14',
  status: 'stable',
  updated: '2020-04-07T00:00:00Z',
  links: [{ rel: 'self', href: `${base}/v3/` }],
  'media-types': [{ base: 'application/json', type: 'application/vnd.openstack.identity-v3+json' }],
})

const list = {
  method: 'GET',
  who: 'public',
  summary: 'The versions of this service.',
  status: 300,
  handle: ({ base }: Input) => ({
    body: { versions: { values: [version(base)] } },
    headers: { Location: `${base}/v3/` },
  }),
} as const
const show = {
  method: 'GET',
  who: 'public',
  summary: 'Version 3 of this service.',
  status: 200,
  handle: ({ base }: Input) => ({ body: { version: version(base) } }),
} as const

/** Clients look for versions with and without the slash, and follow no redirect. */
export const versionOperations: Operation[] = [
  operation({ ...list, name: 'version.list', path: '' }),
  operation({ ...list, name: 'version.list_at_slash', path: '/' }),
  operation({ ...show, name: 'version.show', path: '/v3' }),
  operation({ ...show, name: 'version.show_at_slash', path: '/v3/' }),
]
