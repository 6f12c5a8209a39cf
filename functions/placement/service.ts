import { dialects } from '../http/dialects.ts'
import { type Input, type Operation, operation } from '../http/operation.ts'
import type { Service } from '../http/service.ts'
import { allocationCandidateOperations } from './allocation-candidates.ts'
import { allocationOperations } from './allocations.ts'
import { modified } from './modified.ts'
import { resourceClassOperations } from './resource-classes.ts'
import { resourceProviderOperations } from './resource-providers.ts'
import { traitOperations } from './traits.ts'

const MICROVERSIONS = { major: 1, min: 0, max: 39, name: 'placement' }

const document = (input: Input) => ({
  body: {
    versions: [
      {
        id: 'v1.0',
        min_version: `${MICROVERSIONS.major}.${MICROVERSIONS.min}`,
        max_version: `${MICROVERSIONS.major}.${MICROVERSIONS.max}`,
        status: 'CURRENT',
        // Relative to where it was read, as Placement has it (placement/handlers/root.py).
        links: [{ rel: 'self', href: '' }],
      },
    ],
  },
  ...modified(input),
})
const root = (name: string, path: string): Operation =>
  operation({
    name,
    method: 'GET',
    path,
    who: 'public',
    summary: 'The version of this service, with the range of its microversions.',
    status: 200,
    handle: document,
  })

/** Placement 1.0 to 1.39, to be read: what there is follows from zones and offers of clouds, what is taken from servers. */
export const placement: Service = {
  types: ['placement'],
  name: 'placement',
  prefix: '/placement',
  endpoint: '/placement',
  dialect: dialects.placement,
  microversions: MICROVERSIONS,
  operations: [
    root('version.list', ''),
    root('version.list_at_slash', '/'),
    ...resourceProviderOperations,
    ...resourceClassOperations,
    ...traitOperations,
    ...allocationCandidateOperations,
    ...allocationOperations,
  ],
}
