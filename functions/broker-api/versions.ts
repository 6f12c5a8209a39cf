import { type Input, type Operation, operation } from '../http/operation.ts'

const version = (base: string) => ({ id: 'v1', status: 'CURRENT', links: [{ rel: 'self', href: `${base}/v1/` }] })
const list = {
  method: 'GET',
  who: 'public',
  summary: 'The versions of this service.',
  status: 300,
  handle: ({ base }: Input) => ({ body: { versions: [version(base)] } }),
} as const
const show = {
  method: 'GET',
  who: 'public',
  summary: 'Version 1 of this service.',
  status: 200,
  handle: ({ base }: Input) => ({ body: { version: version(base) } }),
} as const

export const versionOperations: Operation[] = [
  operation({ ...list, name: 'version.list', path: '' }),
  operation({ ...list, name: 'version.list_at_slash', path: '/' }),
  operation({ ...show, name: 'version.show', path: '/v1' }),
  operation({ ...show, name: 'version.show_at_slash', path: '/v1/' }),
]
