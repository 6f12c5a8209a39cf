import { describe, expect, it } from 'vitest'
import { aws } from '../../../adapters/aws/index.ts'
import { deviceFor } from '../../../adapters/aws/storage/attachment.ts'
import { isTask, type Kind, type Mark, type PortSpec, type SubnetSpec } from '../../../adapters/contract.ts'
import { type Answer, connection, fake, list, refusal, tags } from './fake.ts'

const mark = (kind: Kind): Mark => ({ deployment: 'd1', project: 'p1', kind, resource: 'r1', token: 't1', epoch: 1 })
const tagsOf = (kind: Kind, more: Record<string, string> = {}) =>
  tags({
    'plimsoll:deployment': 'd1',
    'plimsoll:project': 'p1',
    'plimsoll:kind': kind,
    'plimsoll:resource': 'r1',
    'plimsoll:token': 't1',
    'plimsoll:epoch': '1',
    Name: 'n',
    ...more,
  })

/** A cloud that answers by action, with success to what is not named. Several answers are given in turn. */
const cloudOf = (answers: Record<string, Answer | Answer[]>, change: Parameters<typeof connection>[0] = {}) => {
  const turns = new Map<string, number>()
  const made = fake(({ action }) => {
    const answer = answers[action] ?? `<${action}Response><return>true</return></${action}Response>`
    if (!Array.isArray(answer)) return answer instanceof Response ? answer.clone() : answer
    const turn = turns.get(action) ?? 0
    turns.set(action, turn + 1)
    const now = answer[Math.min(turn, answer.length - 1)]!
    return now instanceof Response ? now.clone() : now
  })
  return { made, cloud: aws.connect(connection(change), made.surroundings) }
}

describe('a lent VPC', () => {
  const vpc = list('DescribeVpcs', 'vpcSet', [
    '<vpcId>vpc-lent</vpcId><state>available</state><cidrBlock>10.0.0.0/16</cidrBlock><tagSet/>',
  ])
  const mapping = { vpc: 'vpc-lent' }

  it('is given back as it is, and outlives the network', async () => {
    const { made, cloud } = cloudOf({ DescribeVpcs: vpc }, { mapping })
    const spec = { name: 'net', cidrs: ['10.0.7.0/24'] }
    expect(await cloud.network!.create(spec, mark('network'))).toMatchObject({ id: 'vpc-lent', health: 'ready' })
    expect(await cloud.network!.update!('vpc-lent', spec)).toMatchObject({ id: 'vpc-lent' })
    await cloud.network!.remove('vpc-lent', mark('network'))
    expect(new Set(made.actions())).toEqual(new Set(['DescribeVpcs']))
  })

  it('holds only what lies inside it', async () => {
    const { cloud } = cloudOf({ DescribeVpcs: vpc }, { mapping })
    const outside = cloud.network!.create({ name: 'net', cidrs: ['10.1.0.0/24'] }, mark('network'))
    await expect(outside).rejects.toMatchObject({ code: 'definitive' })
  })
})

describe('a security group', () => {
  const group = (egress: string) =>
    list('DescribeSecurityGroups', 'securityGroupInfo', [
      `<groupId>sg-1</groupId><ipPermissions/><ipPermissionsEgress>${egress}</ipPermissionsEgress>${tagsOf('security_group')}`,
    ])
  const open = group(
    '<item><ipProtocol>-1</ipProtocol><ipRanges><item><cidrIp>0.0.0.0/0</cidrIp></item></ipRanges></item>',
  )
  const spec = { name: 'n', description: '', network: 'vpc-1', rules: [] }
  const created = '<CreateSecurityGroupResponse><groupId>sg-1</groupId></CreateSecurityGroupResponse>'

  it('loses what EC2 gives it before anybody uses it', async () => {
    const { made, cloud } = cloudOf({ CreateSecurityGroup: created, DescribeSecurityGroups: open })
    const seen = await cloud.security_group!.create(spec, mark('security_group'))
    expect(isTask(seen)).toBe(false)
    expect(made.actions()).toEqual(['CreateSecurityGroup', 'DescribeSecurityGroups', 'RevokeSecurityGroupEgress'])
    expect(made.asked[2]!.params.get('IpPermissions.1.IpRanges.1.CidrIp')).toBe('0.0.0.0/0')
  })

  it('that could not be finished is a task, not a failure, and the task finishes it', async () => {
    const { cloud } = cloudOf({
      CreateSecurityGroup: created,
      DescribeSecurityGroups: [list('DescribeSecurityGroups', 'securityGroupInfo', []), open],
      RevokeSecurityGroupEgress: [
        refusal('RequestLimitExceeded', 503),
        '<RevokeSecurityGroupEgressResponse><return>true</return></RevokeSecurityGroupEgressResponse>',
      ],
    })
    const realm = cloud.security_group!
    const outcome = await realm.create(spec, mark('security_group'))
    if (!isTask(outcome)) throw new Error('it cannot be ready')
    const task = JSON.parse(JSON.stringify(outcome.task))
    await expect(realm.poll!(task)).rejects.toMatchObject({ code: 'throttled' })
    expect(await realm.poll!(task)).toMatchObject({ id: 'sg-1', health: 'ready' })
  })

  it('that may not be finished is handed over, and its update says why', async () => {
    const { cloud } = cloudOf({
      CreateSecurityGroup: created,
      DescribeSecurityGroups: open,
      RevokeSecurityGroupEgress: refusal('UnauthorizedOperation', 403),
    })
    const realm = cloud.security_group!
    expect(await realm.create(spec, mark('security_group'))).toMatchObject({ id: 'sg-1' })
    await expect(realm.update!('sg-1', spec)).rejects.toMatchObject({ code: 'denied' })
  })

  it('is not called done while the cloud left a rule in place', async () => {
    const { cloud } = cloudOf({
      DescribeSecurityGroups: open,
      RevokeSecurityGroupEgress:
        '<RevokeSecurityGroupEgressResponse><return>false</return></RevokeSecurityGroupEgressResponse>',
    })
    await expect(cloud.security_group!.update!('sg-1', spec)).rejects.toMatchObject({ code: 'conflict' })
  })

  it('goes although a rule of its names a group that is gone: that one goes with it', async () => {
    const naming = group(
      `<item><ipProtocol>-1</ipProtocol><groups><item><groupId>sg-2</groupId></item></groups></item>
       <item><ipProtocol>-1</ipProtocol><ipRanges><item><cidrIp>0.0.0.0/0</cidrIp></item></ipRanges></item>`,
    )
    const done = '<RevokeSecurityGroupEgressResponse><return>true</return></RevokeSecurityGroupEgressResponse>'
    const { made, cloud } = cloudOf({
      DescribeSecurityGroups: naming,
      RevokeSecurityGroupEgress: [refusal('InvalidGroup.NotFound', 400), done, refusal('InvalidGroup.NotFound', 400)],
    })
    expect(await cloud.security_group!.update!('sg-1', spec)).toMatchObject({ id: 'sg-1' })
    const revoked = made.asked.filter(({ params }) => params.get('Action') === 'RevokeSecurityGroupEgress')
    expect(revoked.map(({ params }) => params.get('IpPermissions.1.IpRanges.1.CidrIp'))[1]).toBe('0.0.0.0/0')
  })

  it('makes nothing that it could not fill', async () => {
    const { made, cloud } = cloudOf({})
    const rules = [
      {
        direction: 'ingress' as const,
        family: 4 as const,
        protocol: 'sctp',
        min: 80,
        max: 80,
        cidr: null,
        group: null,
      },
    ]
    await expect(cloud.security_group!.create({ ...spec, rules }, mark('security_group'))).rejects.toMatchObject({
      code: 'definitive',
    })
    expect(made.asked).toEqual([])
  })
})

describe('a subnet', () => {
  const spec: SubnetSpec = {
    name: 'n',
    network: 'vpc-1',
    cidr: '10.0.0.0/24',
    gateway: '10.0.0.1',
    zone: 'us-east-1a',
    dhcp: true,
    dnsServers: [],
  }

  it.each([
    ['IPv6', { cidr: 'fd00::/64' }],
    ['a wide range', { cidr: '10.0.0.0/15' }],
    ['another gateway', { gateway: '10.0.0.254' }],
    ['no DHCP', { dhcp: false }],
    ['five DNS servers', { dnsServers: ['1.1.1.1', '1.0.0.1', '8.8.8.8', '8.8.4.4', '9.9.9.9'] }],
  ])('with %s is refused unasked', async (_, change) => {
    const { made, cloud } = cloudOf({})
    await expect(cloud.subnet!.create({ ...spec, ...change }, mark('subnet'))).rejects.toMatchObject({
      code: 'definitive',
    })
    expect(made.asked).toEqual([])
  })

  const subnet = (id: string, more: Record<string, string>) =>
    `<subnetId>${id}</subnetId><vpcId>vpc-1</vpcId><state>available</state>${tagsOf('subnet', more)}`
  const vpc = list('DescribeVpcs', 'vpcSet', [
    `<vpcId>vpc-1</vpcId><dhcpOptionsId>dopt-0</dhcpOptionsId>${tagsOf('network')}`,
  ])

  it('has its DNS servers announced in the whole VPC', async () => {
    const { made, cloud } = cloudOf({
      DescribeSubnets: list('DescribeSubnets', 'subnetSet', [subnet('subnet-1', { 'plimsoll:dns': '9.9.9.9' })]),
      DescribeVpcs: vpc,
      DescribeDhcpOptions: list('DescribeDhcpOptions', 'dhcpOptionsSet', []),
      CreateDhcpOptions:
        '<CreateDhcpOptionsResponse><dhcpOptions><dhcpOptionsId>dopt-1</dhcpOptionsId></dhcpOptions></CreateDhcpOptionsResponse>',
    })
    await cloud.subnet!.update!('subnet-1', { ...spec, dnsServers: ['9.9.9.9'] })
    const associate = made.asked.find(({ action }) => action === 'AssociateDhcpOptions')!
    expect(Object.fromEntries(associate.params)).toMatchObject({ VpcId: 'vpc-1', DhcpOptionsId: 'dopt-1' })
    const create = made.asked.find(({ action }) => action === 'CreateDhcpOptions')!
    expect(create.params.get('DhcpConfiguration.1.Value.1')).toBe('9.9.9.9')
    expect(create.params.get('TagSpecification.1.Tag.4.Value')).toBe('network')
  })

  it('cannot have others than its neighbours', async () => {
    const { cloud } = cloudOf({
      DescribeSubnets: [
        list('DescribeSubnets', 'subnetSet', []),
        list('DescribeSubnets', 'subnetSet', [subnet('subnet-2', { 'plimsoll:dns': '9.9.9.9' })]),
      ],
    })
    await expect(cloud.subnet!.create(spec, mark('subnet'))).rejects.toMatchObject({ code: 'definitive' })
  })
})

describe('a port', () => {
  const spec: PortSpec = {
    name: 'n',
    network: 'vpc-1',
    addresses: [{ subnet: 'subnet-1', address: '10.0.0.10' }],
    mac: 'fa:16:3e:00:00:01',
    securityGroups: ['sg-1'],
    portSecurity: true,
  }

  it.each([
    ['in no group, which would be the default group', { securityGroups: [] }],
    ['without an address', { addresses: [] }],
    ['in two subnets', { addresses: [...spec.addresses, { subnet: 'subnet-2', address: '10.0.1.10' }] }],
    ['that speaks from another MAC address', { addressPairs: [{ address: '10.0.0.9', mac: 'fa:16:3e:00:00:09' }] }],
    ['with an IPv6 address', { addresses: [{ subnet: 'subnet-1', address: 'fd00::10' }] }],
  ])('%s is refused unasked', async (_, change) => {
    const { made, cloud } = cloudOf({})
    await expect(cloud.port!.create({ ...spec, ...change }, mark('port'))).rejects.toMatchObject({ code: 'definitive' })
    expect(made.asked).toEqual([])
  })
})

describe('an attachment', () => {
  const mapping = (...names: string[]) => ({ BlockDeviceMappings: names.map((DeviceName) => ({ DeviceName })) })

  it('is at the first free device, or where it was asked for', () => {
    expect(deviceFor(null, mapping('/dev/xvda'))).toBe('/dev/sdf')
    expect(deviceFor(null, mapping('/dev/xvda'))).toBe(aws.deviceFor?.(null, []))
    expect(deviceFor(null, mapping('/dev/sdf', '/dev/xvdg'))).toBe('/dev/sdh')
    expect(deviceFor('/dev/sdm', mapping())).toBe('/dev/sdm')
    expect(deviceFor('/dev/vdb', mapping())).toBe('/dev/sdf')
    expect(() => deviceFor(null, mapping(...[...'fghijklmnop'].map((l) => `/dev/sd${l}`)))).toThrow(/no free device/)
  })

  it('leaves the root disk where it is', async () => {
    const volume = list('DescribeVolumes', 'volumeSet', [
      `<volumeId>vol-1</volumeId><status>in-use</status><attachmentSet><item><instanceId>i-1</instanceId><status>attached</status></item></attachmentSet>${tagsOf('server')}`,
    ])
    const { made, cloud } = cloudOf({ DescribeVolumes: volume })
    await expect(cloud.attachment!.remove('i-1/vol-1', mark('attachment'))).rejects.toMatchObject({
      code: 'definitive',
    })
    expect(made.actions()).toEqual(['DescribeVolumes'])
  })
})

describe('a keypair', () => {
  const pair = (more = '') =>
    list('DescribeKeyPairs', 'keySet', [
      `<keyPairId>key-1</keyPairId><keyName>plimsoll-k 0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f</keyName>${more}${tagsOf('keypair')}`,
    ])

  it('reads as it was asked for, with the public key', async () => {
    const { made, cloud } = cloudOf({ DescribeKeyPairs: pair('<publicKey>ssh-ed25519 AAAA x\n</publicKey>') })
    const id = 'plimsoll-k 0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f'
    expect(await cloud.keypair!.read!(id)).toMatchObject({
      spec: { name: 'plimsoll-k', label: 'n', publicKey: 'ssh-ed25519 AAAA x' },
    })
    expect(made.asked[0]!.params.get('IncludePublicKey')).toBe('true')
  })

  it('cannot be read where the endpoint does not tell the public key', async () => {
    const { cloud } = cloudOf({ DescribeKeyPairs: pair() })
    await expect(cloud.keypair!.read!('k')).rejects.toMatchObject({
      code: 'definitive',
      message: 'The cloud does not tell the public key of this keypair.',
    })
  })

  it('takes and loses tags by its id, because its name is none of a resource', async () => {
    const { made, cloud } = cloudOf({ DescribeKeyPairs: pair() })
    await cloud.keypair!.mark!('k', null)
    const [call] = made.asked.filter(({ action }) => action === 'DeleteTags')
    expect(call!.params.get('ResourceId.1')).toBe('key-1')
  })
})

describe('a check', () => {
  const zone = '<zoneName>us-east-1a</zoneName><zoneState>available</zoneState>'
  const answers: Record<string, Answer> = {
    GetCallerIdentity:
      '<GetCallerIdentityResponse><GetCallerIdentityResult><Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>',
    DescribeAvailabilityZones: list('DescribeAvailabilityZones', 'availabilityZoneInfo', [zone]),
  }
  const tried = (change: Parameters<typeof connection>[0], denied: string[] = []) => {
    const made = fake(({ action, params }) => {
      const answer = answers[action]
      if (answer) return answer
      if (params.get('DryRun') !== 'true') throw new Error(`${action} is no dry run`)
      return denied.includes(action) ? refusal('UnauthorizedOperation', 403) : refusal('DryRunOperation', 412)
    })
    return { made, report: aws.connect(connection(change), made.surroundings).check() }
  }

  it('tries by dry runs what it may do', async () => {
    const { made, report } = tried({}, ['CreateVpc', 'DescribeSnapshots'])
    expect(await report).toMatchObject({
      reachable: true,
      account: '123456789012',
      denied: ['DescribeSnapshots', 'CreateVpc'],
      warnings: [],
    })
    expect(made.actions()).toContain('CreateVolume')
  })

  it('makes no create call on an endpoint that may not know dry runs', async () => {
    const { made, report } = tried({ endpoint: 'https://cloud.example.org' })
    expect((await report).denied).toEqual([])
    expect(made.actions().filter((action) => !/^(Describe|Get)/.test(action))).toEqual([])
  })

  it('sends only looks to a cloud that is only looked at', async () => {
    const made = fake(({ action }) => answers[action] ?? refusal('DryRunOperation', 412))
    const report = await aws.connect(connection(), made.surroundings).check('looking')
    expect(report).toMatchObject({ reachable: true, denied: [] })
    expect(made.actions().filter((action) => !/^(Describe|Get)/.test(action))).toEqual([])
  })

  it('says that the cloud is not there', async () => {
    const made = fake(() => new TypeError('no route'))
    const report = await aws.connect(connection(), made.surroundings).check()
    expect(report).toMatchObject({ reachable: false, account: null })
    expect(report.warnings.length).toBeGreaterThan(0)
  })
})

describe('offers', () => {
  it('are types with the zones that sell them, and prices where the operator says them', async () => {
    const type = (name: string, arch: string, more = '') =>
      `<instanceType>${name}</instanceType><vCpuInfo><defaultVCpus>2</defaultVCpus></vCpuInfo><memoryInfo><sizeInMiB>1024</sizeInMiB></memoryInfo><processorInfo><supportedArchitectures><item>${arch}</item></supportedArchitectures></processorInfo>${more}`
    const { made, cloud } = cloudOf(
      {
        DescribeInstanceTypes: list('DescribeInstanceTypes', 'instanceTypeSet', [
          type('t3.micro', 'x86_64'),
          type('g5g.xlarge', 'arm64', '<gpuInfo><gpus><item><count>1</count></item></gpus></gpuInfo>'),
          type('mac2.metal', 'arm64_mac'),
          type('sold.out', 'x86_64'),
        ]),
        DescribeInstanceTypeOfferings: list('DescribeInstanceTypeOfferings', 'instanceTypeOfferingSet', [
          '<instanceType>t3.micro</instanceType><location>us-east-1b</location>',
          '<instanceType>t3.micro</instanceType><location>us-east-1a</location>',
          '<instanceType>g5g.xlarge</instanceType><location>us-east-1a</location>',
        ]),
      },
      { options: { instance_types: ['t3.*', 'g5g.*'], prices: { 't3.micro': 0.0104 } } },
    )
    const base = { vcpus: 2, ramMiB: 1024, diskGiB: 0 }
    expect(await cloud.offers()).toEqual([
      {
        ...base,
        name: 't3.micro',
        arch: 'x86_64',
        gpus: 0,
        zones: ['us-east-1a', 'us-east-1b'],
      },
      { ...base, name: 'g5g.xlarge', arch: 'aarch64', gpus: 1, zones: ['us-east-1a'] },
    ])
    expect(made.asked[0]!.params.get('Filter.1.Value.1')).toBe('t3.*')
    expect(await cloud.prices?.(await cloud.offers())).toMatchObject([
      { size: 't3.micro', zone: null, option: 'on-demand', amount: 0.0104, currency: 'USD', source: 'operator' },
    ])
  })
})
