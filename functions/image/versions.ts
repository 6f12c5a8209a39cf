import { type Input, type Operation, operation } from '../http/operation.ts'

/** Up to stores and tasks of an image; not the cache of images (2.14), nor locations (2.17). */
const MINORS = [13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0]

const handle = ({ base }: Input) => ({
  body: {
    versions: MINORS.map((minor, i) => ({
      id: `v2.${minor}`,
      status: i === 0 ? 'CURRENT' : 'SUPPORTED',
      links: [{ rel: 'self', href: `${base}/v2/` }],
    })),
  },
})
const document = { method: 'GET', who: 'public', summary: 'The versions of this service.', handle } as const

/** https://docs.openstack.org/api-ref/image/versions/ */
export const versionOperations: Operation[] = [
  operation({ ...document, name: 'version.list', path: '', status: 300 }),
  operation({ ...document, name: 'version.list_at_slash', path: '/', status: 300 }),
  operation({ ...document, name: 'version.list_by_name', path: '/versions', status: 200 }),
]
