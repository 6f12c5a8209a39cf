import { expect, test } from 'vitest'
import { operations } from '../../functions/app.ts'
import { startPlimsoll } from '../support/harness.ts'
import { giveOneOfEach } from '../sweep/belongings.ts'
import { pathOf, versionHeader } from '../sweep/calls.ts'
import { unfit } from './judge.ts'

test('every read answers in every microversion as the document of that version says', async () => {
  const plimsoll = await startPlimsoll()
  const { named } = await giveOneOfEach(plimsoll, 'demo')
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
