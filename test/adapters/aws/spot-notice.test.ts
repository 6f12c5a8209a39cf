import { expect, it } from 'vitest'
import { aws } from '../../../adapters/aws/index.ts'
import { type Answer, connection, fake, list, refusal } from './fake.ts'

const instance = (id: string, state: string, more = '<instanceLifecycle>spot</instanceLifecycle>') =>
  `<instancesSet><item><instanceId>${id}</instanceId><instanceState><name>${state}</name></instanceState>${more}</item></instancesSet>`
const shown = (...instances: string[]) => list('DescribeInstances', 'reservationSet', instances)
const AT = '2026-11-30T10:00:00.000Z'
const request = (id: string, code: string) =>
  `<state>active</state><instanceId>${id}</instanceId><status><code>${code}</code><message>It is ${code}.</message><updateTime>${AT}</updateTime></status>`
const cloudOf = (instances: string, requests: Answer) => {
  const made = fake(({ action }) => {
    const answer = action === 'DescribeInstances' ? instances : requests
    return answer instanceof Response ? answer.clone() : answer
  })
  return { made, server: aws.connect(connection(), made.surroundings).server }
}
const noticesIn = async (instances: string, requests: Answer) => {
  const { made, server } = cloudOf(instances, requests)
  const { items } = await server.list()
  return { notices: items.map((each) => ('announced' in each ? each.announced : null)), asked: made.asked }
}
const three = shown(instance('i-1', 'running'), instance('i-2', 'running'), instance('i-3', 'terminated'))

it('an instance that EC2 marked for interruption says so as long as it runs, by one question about all', async () => {
  const requests = ['marked-for-termination', 'fulfilled', 'marked-for-stop'].map((code, n) =>
    request(`i-${n + 1}`, code),
  )
  const { notices, asked } = await noticesIn(
    three,
    list('DescribeSpotInstanceRequests', 'spotInstanceRequestSet', requests),
  )
  expect(notices).toEqual([{ at: Date.parse(AT), words: 'It is marked-for-termination.' }, null, null])
  const [, question, ...others] = asked
  expect(others).toEqual([])
  expect(question!.action).toBe('DescribeSpotInstanceRequests')
  expect([...question!.params].filter(([name]) => name.startsWith('Filter')).map(([, value]) => value)).toEqual([
    'status-code',
    'marked-for-termination',
    'marked-for-stop',
  ])
})

it('nothing is asked where no spot instance runs', async () => {
  const { asked } = await noticesIn(shown(instance('i-1', 'running', ''), instance('i-2', 'stopped')), '')
  expect(asked.map(({ action }) => action)).toEqual(['DescribeInstances'])
})

it.each(['UnauthorizedOperation', 'InvalidAction'])(
  'nothing is announced to whoever may not ask (%s)',
  async (code) => {
    const { notices } = await noticesIn(three, refusal(code, code === 'InvalidAction' ? 400 : 403))
    expect(notices).toEqual([null, null, null])
  },
)

it('a question that comes to nothing for the moment leaves the listing for later', async () => {
  const { server } = cloudOf(three, refusal('RequestLimitExceeded', 503))
  await expect(server.list()).rejects.toMatchObject({ code: 'throttled' })
})
