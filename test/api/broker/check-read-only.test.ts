import { expect, it } from 'vitest'
import { startPlimsoll } from '../../support/harness.ts'

const AWS = {
  type: 'aws',
  region: 'us-east-1',
  credentials: { access_key_id: 'AKIDEXAMPLE', secret_access_key: 'wJalrXUtnFEMI-not-a-real-key' },
}
const body = (text: string, status = 200) => new Response(text, { status, headers: { 'content-type': 'text/xml' } })
const ANSWERS: Record<string, string> = {
  GetCallerIdentity:
    '<GetCallerIdentityResponse><GetCallerIdentityResult><Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>',
  DescribeAvailabilityZones:
    '<DescribeAvailabilityZonesResponse><availabilityZoneInfo><item><zoneName>us-east-1a</zoneName><zoneState>available</zoneState></item></availabilityZoneInfo></DescribeAvailabilityZonesResponse>',
}
const PERMITTED = `<Response><Errors><Error><Code>DryRunOperation</Code><Message>it would</Message></Error></Errors><RequestID>r</RequestID></Response>`

/** An AWS that permits everything and remembers what it was asked. */
const listening = async (options: object) => {
  const heard: string[] = []
  const plimsoll = await startPlimsoll({
    clouds: [],
    fetch: async (_, init) => {
      const action = new URLSearchParams(String(init?.body)).get('Action') ?? ''
      heard.push(action)
      return ANSWERS[action] ? body(ANSWERS[action]) : body(PERMITTED, 412)
    },
  })
  await plimsoll.as('admin').post('/broker/v1/clouds', { cloud: { name: 'aws', ...AWS, options } })
  await plimsoll.runDeferred()
  heard.length = 0
  return { plimsoll, heard }
}

it('a check of a cloud that is connected read-only sends nothing but looks', async () => {
  const { plimsoll, heard } = await listening({ read_only: true })
  const { check } = (await plimsoll.as('admin').post('/broker/v1/clouds/aws/check')).body
  expect(check).toMatchObject({ reachable: true, account: '123456789012', denied: [] })
  expect(heard.filter((action) => !/^(Describe|Get)/.test(action))).toEqual([])
  expect(heard.length).toBeGreaterThan(8)
})

it('and of any other one also tries, dry, what it may make', async () => {
  const { plimsoll, heard } = await listening({})
  const { check } = (await plimsoll.as('admin').post('/broker/v1/clouds/aws/check')).body
  expect(check).toMatchObject({ reachable: true, denied: [] })
  expect(heard).toContain('CreateVpc')
})
