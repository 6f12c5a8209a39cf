import { describe, expect, it } from 'vitest'
import { fromSdk, KNOWN_CODES, translate } from '../../../adapters/aws/errors.ts'
import { aws } from '../../../adapters/aws/index.ts'
import { CloudError } from '../../../adapters/errors.ts'
import { type Answer, connection, fake, list, refusal } from './fake.ts'

const zones = async (answer: Answer): Promise<CloudError> => {
  const { surroundings } = fake(() => answer)
  return aws
    .connect(connection(), surroundings)
    .zones()
    .then(
      () => {
        throw new Error('no error')
      },
      (error) => error,
    )
}

describe('errors of EC2', () => {
  it.each([
    ['RequestLimitExceeded', 503, 'throttled'],
    ['InsufficientInstanceCapacity', 500, 'capacity'],
    ['InstanceLimitExceeded', 400, 'capacity'],
    ['Unsupported', 400, 'capacity'],
    ['InvalidInstanceID.NotFound', 400, 'not_found'],
    ['DependencyViolation', 400, 'conflict'],
    ['IncorrectInstanceState', 400, 'conflict'],
    ['UnauthorizedOperation', 403, 'denied'],
    ['SignatureDoesNotMatch', 403, 'denied'],
    ['InvalidParameterValue', 400, 'definitive'],
    ['InternalError', 500, 'ambiguous'],
    ['IdempotentParameterMismatch', 400, 'ambiguous'],
    ['SomethingNew', 400, 'definitive'],
    ['SomethingNew', 500, 'ambiguous'],
  ])('%s with status %i is %s', async (code, status, expected) => {
    const error = await zones(refusal(code, status))
    expect(error).toBeInstanceOf(CloudError)
    expect(error.code).toBe(expected)
    expect(error.detail).toMatchObject({ cloudCode: code, requestId: 'req-1' })
    expect(error.detail.operatorMessage).toContain('DescribeAvailabilityZones')
  })

  it.each([
    ['InsufficientInstanceCapacity', 'no-capacity'],
    ['SpotMaxPriceTooLow', 'no-capacity'],
    ['VcpuLimitExceeded', 'account-limit'],
    ['Unsupported', 'unsupported'],
    ['InsufficientFreeAddressesInSubnet', undefined],
    ['VolumeLimitExceeded', undefined],
    ['AuthFailure', undefined],
    ['InvalidParameterValue', undefined],
  ])('%s is a shortage of a size: %s', (code, shortage) => {
    expect(translate(code, 400, { action: 'RunInstances' }).detail.shortage).toBe(shortage)
  })

  it('says of a limit of the account that a quota is exceeded, in words that clients look for', () => {
    const { message } = translate('VcpuLimitExceeded', 400, { action: 'RunInstances' })
    for (const word of ['exceeds', 'quota', 'quota exceeded']) expect(message).toContain(word)
  })

  it('keeps raw messages from users', async () => {
    for (const code of [...KNOWN_CODES, 'SomethingNew']) {
      const error = translate(code, 400, { action: 'RunInstances', message: 'arn:aws:iam::123456789012:role/x' })
      expect(error.message).not.toContain('arn:')
      expect(error.message).toMatch(/^[A-Z].*\.$/)
      expect(error.detail.operatorMessage).toContain('arn:')
    }
  })

  it('calls everything unclear ambiguous', async () => {
    const html = (status: number) => new Response('<!doctype html><title>Oops</title>', { status })
    const unclear: Answer[] = [
      new TypeError('network connection lost'),
      new DOMException('timed out', 'TimeoutError') as unknown as Error,
      html(200),
      html(404),
      '<DescribeVpcsResponse><vpcSet/></DescribeVpcsResponse>',
      '<DescribeAvailabilityZonesResponse><availabilityZoneInfo><item><zoneName>us-ea',
      html(502),
      new Response('', { status: 500 }),
      new Response(null, { status: 302, headers: { location: 'https://example.org/' } }),
    ]
    for (const answer of unclear) expect((await zones(answer)).code).toBe('ambiguous')
  })

  it('says when to come back after throttling', async () => {
    expect((await zones(refusal('RequestLimitExceeded', 503))).detail.retryAfterMs).toBeGreaterThan(0)
  })

  it('names each code once', () => {
    expect(new Set(KNOWN_CODES).size).toBe(KNOWN_CODES.length)
  })

  it('passes our own errors on as they are', () => {
    const error = new CloudError('conflict', 'Busy.')
    expect(fromSdk(error, 'x')).toBe(error)
  })

  it('sends every call once', async () => {
    const cloud = fake(() => refusal('RequestLimitExceeded', 503))
    await aws
      .connect(connection(), cloud.surroundings)
      .zones()
      .catch(() => {})
    expect(cloud.actions()).toEqual(['DescribeAvailabilityZones'])
  })

  it('reads a good answer', async () => {
    const zone = '<zoneName>us-east-1a</zoneName><zoneState>available</zoneState><zoneType>availability-zone</zoneType>'
    const { surroundings } = fake(() => list('DescribeAvailabilityZones', 'availabilityZoneInfo', [zone]))
    const cloud = aws.connect(connection(), surroundings)
    expect(await cloud.zones()).toEqual([{ name: 'us-east-1a', available: true }])
  })
})
