import { expect, it } from 'vitest'
import { reconcileAccount, sweepDue } from '../../functions/broker/reconcile/reconcile.ts'
import { startPlimsoll } from '../support/harness.ts'

const MINUTE = 60_000

it('the cron names the accounts that are due, and whoever takes a name sweeps it once', async () => {
  const plimsoll = await startPlimsoll({ clouds: ['one', 'two'].map((name) => ({ name, type: 'sandbox' })), loops: [] })
  await plimsoll.newProject('other', { clouds: ['one'] })
  const queue: string[] = []
  const context = { ...plimsoll.context(), spread: async (accounts: string[]) => void queue.push(...accounts) }
  plimsoll.clock.advance(MINUTE)

  await sweepDue(context, 1000)
  expect(queue, 'two projects with the same mapping share an account').toHaveLength(2)
  const first = await reconcileAccount(context, queue[0]!, MINUTE)
  expect(first.map(({ kind }) => kind)).toContain('server')
  expect(await reconcileAccount(context, queue[0]!, MINUTE), 'the same name again').toEqual([])
  expect(await reconcileAccount(context, 'no-such-account', MINUTE)).toEqual([])

  queue.length = 0
  await sweepDue(context, 1000)
  expect(queue, 'only what nobody has swept yet').toHaveLength(1)
})
