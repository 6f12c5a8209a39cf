import { expect, test } from 'vitest'
import { operations } from '../../functions/app.ts'
import { startPlimsoll } from '../support/harness.ts'
import { giveOneOfEach } from '../sweep/belongings.ts'
import { pathOf, versionHeader } from '../sweep/calls.ts'
import { unfit } from './judge.ts'

test('every read answers in every microversion as the document of that version says', async () => {
  const plimsoll = await startPlimsoll()
  const { named } = await giveOneOfEach(plimsoll, 'demo')
  // What versions show in different ways, and a project has none of.
  const zone = { aggregate: { name: 'a', availability_zone: 'z' } }
  const { aggregate } = (await plimsoll.as('admin').post('/compute/v2.1/os-aggregates', zone)).body
  named['os-aggregates'] = String(aggregate.id)
  const { resource_providers: providers } = (await plimsoll.as('admin').get('/placement/resource_providers')).body
  named.resource_providers = providers[0].uuid
  for (const who of ['demo', 'admin'])
    for (const { service, operation } of operations) {
      if (operation.method !== 'GET' || !service.microversions) continue
      const { min, max } = service.microversions
      const path = pathOf({ service, operation }, ({ name, of }) =>
        name === 'project_id' ? plimsoll.projectId('demo') : (named[of] ?? 'x'),
      )
      for (let minor = Math.max(min, operation.since ?? 0); minor <= Math.min(max, operation.until ?? max); minor++)
        await plimsoll.as(who).get(path, versionHeader({ service, operation }, minor))
    }
  expect([...new Set(unfit.splice(0))]).toEqual([])
}, 600_000)
