import { type Input, type Operation, operation } from '../http/operation.ts'

/** Every minor version in between is spoken; 3.71 is for a driver that finishes an extension by itself. */
export const MICROVERSIONS = {
  major: 3,
  min: 0,
  max: 70,
  name: 'volume',
}

const handle = ({ base }: Input) => ({
  body: {
    versions: [
      {
        id: 'v3.0',
        status: 'CURRENT',
        version: `${MICROVERSIONS.major}.${MICROVERSIONS.max}`,
        min_version: `${MICROVERSIONS.major}.${MICROVERSIONS.min}`,
        updated: '2023-08-31T00:00:00Z',
        links: [
          { rel: 'describedby', type: 'text/html', href: 'https://docs.openstack.org/' },
          { rel: 'self', href: `${base}/v3/` },
        ],
        'media-types': [{ base: 'application/json', type: 'application/vnd.openstack.volume+json;version=3' }],
      },
    ],
  },
})
const document = {
  method: 'GET',
  who: 'public',
  summary: 'The version of this service, with the range of its microversions.',
  handle,
} as const

/** Cinder answers 300 above its versions. https://docs.openstack.org/api-ref/block-storage/v3/#list-all-api-versions */
export const versionOperations: Operation[] = [
  operation({ ...document, name: 'version.list', path: '', status: 300 }),
  operation({ ...document, name: 'version.list_at_slash', path: '/', status: 300 }),
  operation({ ...document, name: 'version.show', path: '/v3', status: 200 }),
  operation({ ...document, name: 'version.show_at_slash', path: '/v3/', status: 200 }),
]
