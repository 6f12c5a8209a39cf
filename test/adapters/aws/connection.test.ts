import { describe, expect, it } from 'vitest'
import { aws } from '../../../adapters/aws/index.ts'
import type { Json } from '../../../adapters/contract.ts'
import { type Asked, connection, fake, list, refusal } from './fake.ts'

const HOUR = 3_600_000
const zones = () => list('DescribeAvailabilityZones', 'availabilityZoneInfo', [])
const role = { role_arn: 'arn:aws:iam::123456789012:role/plimsoll', external_id: 'e-1' }
/** STS gives sessions of an hour by the clock of the fake. */
const sessions = (now: () => number, answer: (asked: Asked) => string | Response = zones) => {
  let count = 0
  return (asked: Asked) => {
    if (asked.action !== 'AssumeRole') return answer(asked)
    const until = new Date(now() + HOUR).toISOString()
    return `<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIA${++count}</AccessKeyId><SecretAccessKey>s&amp;s</SecretAccessKey><SessionToken>token-${count}</SessionToken><Expiration>${until}</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`
  }
}

describe('a connection', () => {
  it('signs with its own keys for its region, and names no secret', async () => {
    const cloud = fake(zones)
    await aws.connect(connection(), cloud.surroundings).zones()
    const [{ headers, url }] = cloud.asked as [Asked]
    expect(url).toBe('https://ec2.us-east-1.amazonaws.com/')
    expect(headers.get('authorization')).toMatch(/Credential=AKIAIOSFODNN7EXAMPLE\/\d{8}\/us-east-1\/ec2\/aws4_request/)
    expect(headers.get('x-amz-date')).toBe('20270115T080000Z')
    expect(JSON.stringify([...headers])).not.toContain('wJalr')
  })

  it('goes to another endpoint with its path, and takes a session token', async () => {
    const cloud = fake(zones)
    const credentials = { ...connection().credentials, session_token: 'st' }
    const linked = connection({ endpoint: 'https://cloud.example.org:8773/services/compute', credentials })
    await aws.connect(linked, cloud.surroundings).zones()
    expect(cloud.asked[0]!.url).toBe('https://cloud.example.org:8773/services/compute/')
    expect(cloud.asked[0]!.headers.get('x-amz-security-token')).toBe('st')
  })

  it('assumes the mapped role once an hour, for all connections of the process', async () => {
    const cloud: ReturnType<typeof fake> = fake(sessions(() => cloud.surroundings.now()))
    for (let i = 0; i < 3; i++) await aws.connect(connection({ mapping: role }), cloud.surroundings).zones()
    expect(cloud.actions().filter((action) => action === 'AssumeRole')).toHaveLength(1)
    const [assume, first] = cloud.asked as [Asked, Asked]
    expect(assume.url).toBe('https://sts.us-east-1.amazonaws.com/')
    expect(assume.headers.get('authorization')).toMatch(/Credential=AKIAIOSFODNN7EXAMPLE\/\d{8}\/us-east-1\/sts\//)
    expect(Object.fromEntries(assume.params)).toMatchObject({
      RoleArn: role.role_arn,
      ExternalId: 'e-1',
      DurationSeconds: '3600',
    })
    expect(first.headers.get('authorization')).toContain('Credential=ASIA1/')
    expect(first.headers.get('x-amz-security-token')).toBe('token-1')
    cloud.advance(HOUR - 4 * 60_000)
    await aws.connect(connection({ mapping: role }), cloud.surroundings).zones()
    expect(cloud.asked.at(-1)!.headers.get('x-amz-security-token')).toBe('token-2')
  })

  it('keeps the sessions of tenants apart', async () => {
    const cloud: ReturnType<typeof fake> = fake(sessions(() => cloud.surroundings.now()))
    for (const change of [{}, { external_id: 'e-2' }, { role_arn: `${role.role_arn}-b` }]) {
      await aws.connect(connection({ mapping: { ...role, ...change } }), cloud.surroundings).zones()
    }
    expect(cloud.actions().filter((action) => action === 'AssumeRole')).toHaveLength(3)
  })

  it('renews a session that the cloud calls expired', async () => {
    let expired = true
    const cloud: ReturnType<typeof fake> = fake(
      sessions(
        () => cloud.surroundings.now(),
        () => (expired ? refusal('ExpiredToken', 400) : zones()),
      ),
    )
    const linked = aws.connect(connection({ mapping: role }), cloud.surroundings)
    await expect(linked.zones()).rejects.toMatchObject({ code: 'throttled' })
    expired = false
    await linked.zones()
    expect(cloud.asked.at(-1)!.headers.get('x-amz-security-token')).toBe('token-2')
  })

  it('is denied when the role is', async () => {
    const cloud = fake(
      () =>
        new Response(
          '<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>no</Message></Error><RequestId>r</RequestId></ErrorResponse>',
          { status: 403 },
        ),
    )
    const linked = aws.connect(connection({ mapping: role }), cloud.surroundings)
    await expect(linked.zones()).rejects.toMatchObject({
      code: 'denied',
      detail: { cloudCode: 'AccessDenied', requestId: 'r' },
    })
  })

  it('fails closed on half a mapping', () => {
    const cloud = fake(zones)
    const halves: Record<string, Json>[] = [{ role_arn: role.role_arn }, { role_arn: 7, external_id: 'e' }]
    for (const mapping of halves) {
      expect(() => aws.connect(connection({ mapping }), cloud.surroundings)).toThrow(/no usable account/)
    }
  })

  it('has an account key that depends on where it leads', () => {
    const keys = [
      connection(),
      connection({ mapping: role }),
      connection({ region: 'eu-central-1' }),
      connection({ endpoint: 'https://cloud.example.org' }),
    ].map(aws.account)
    expect(new Set(keys).size).toBe(4)
    expect(aws.account(connection({ name: 'other', cloudId: 'c2' }))).toBe(keys[0])
  })
})

describe('registration', () => {
  const faults = (change: object) => aws.validate({ ...connection(), ...change }, 'node')

  it('accepts what is right', () => {
    expect(faults({})).toEqual([])
    const options = {
      instance_types: ['t3.*'],
      prices: { 't3.micro': 0.0104 },
      images: { owners: ['amazon'], names: ['al2023-*'], ids: ['ami-1'] },
      vpc_prefix: 20,
      metadata_tokens: 'optional',
    }
    expect(faults({ options, endpoint: 'https://cloud.example.org/services/compute' })).toEqual([])
  })

  it.each([
    [{ region: null }, /region/],
    [{ endpoint: 'ftp://example.org' }, /endpoint/],
    [{ credentials: {} }, /access_key_id/],
    [{ credentials: { ...connection().credentials, password: 'x' } }, /no field password/],
    [{ options: { volume_types: 'gp3' } }, /no option volume_types/],
    [{ options: { vpc_prefix: 8 } }, /vpc_prefix/],
    [{ options: { prices: { 't3.micro': 'cheap' } } }, /prices/],
    [{ options: { images: { names: ['ubuntu*'] } } }, /images.owners/],
    [{ options: { images: { tags: ['x'] } } }, /no field tags/],
  ])('says what is wrong with %j', (change, sentence) => {
    expect(faults(change).join(' ')).toMatch(sentence)
  })

  it('gives a reason for everything that EC2 lacks', () => {
    for (const reason of Object.values(aws.lacks)) expect(reason).toMatch(/^[A-Z].*\.$/)
  })
})
