import type { Image } from '@aws-sdk/client-ec2'
import { describe, expect, it } from 'vitest'
import { nextStep } from '../../../adapters/aws/compute/finish.ts'
import { launch } from '../../../adapters/aws/compute/server.ts'
import { aws } from '../../../adapters/aws/index.ts'
import { readOptions } from '../../../adapters/aws/options.ts'
import type { Mark, ServerSpec } from '../../../adapters/contract.ts'
import { CloudError } from '../../../adapters/errors.ts'
import { type Answer, connection, fake, list, refusal, tags } from './fake.ts'

const mark: Mark = { deployment: 'd1', project: 'p1', kind: 'server', resource: 'r1', token: 't1', epoch: 1 }
const spec: ServerSpec = {
  name: 'web',
  size: { native: 't3.micro', vcpus: 2, ramMiB: 1024, diskGiB: 0 },
  image: 'ami-1',
  zone: 'us-east-1a',
  ports: ['eni-1', 'eni-2'],
  keypair: null,
  publicKey: null,
  userData: null,
  metadata: { role: 'db' },
  configDrive: false,
  fork: null,
}
const image: Image = {
  ImageId: 'ami-1',
  RootDeviceName: '/dev/xvda',
  BlockDeviceMappings: [{ DeviceName: '/dev/xvda', Ebs: { VolumeSize: 8 } }],
}
const { options } = readOptions({})
const ours = tags({
  'plimsoll:deployment': 'd1',
  'plimsoll:project': 'p1',
  'plimsoll:kind': 'server',
  'plimsoll:resource': 'r1',
  'plimsoll:token': 't1',
  'plimsoll:epoch': '1',
  Name: 'web',
})
const instance = (state: string, tagSet = ours) =>
  list('DescribeInstances', 'reservationSet', [
    `<instancesSet><item><instanceId>i-1</instanceId><instanceState><name>${state}</name></instanceState><rootDeviceName>/dev/xvda</rootDeviceName><blockDeviceMapping><item><deviceName>/dev/xvda</deviceName><ebs><volumeId>vol-9</volumeId></ebs></item></blockDeviceMapping>${tagSet}</item></instancesSet>`,
  ])
const images = list('DescribeImages', 'imagesSet', [
  '<imageId>ami-1</imageId><imageState>available</imageState><rootDeviceName>/dev/xvda</rootDeviceName><blockDeviceMapping><item><deviceName>/dev/xvda</deviceName><ebs><volumeSize>8</volumeSize></ebs></item></blockDeviceMapping>',
])
const done = (action: string) => `<${action}Response><return>true</return></${action}Response>`

/** A server realm on a cloud that answers by action; what is not named answers with success. */
const realm = (answers: Record<string, Answer | ((params: URLSearchParams) => Answer)>) => {
  const cloud = fake(({ action, params }) => {
    const answer = answers[action] ?? done(action)
    return typeof answer === 'function' ? answer(params) : answer
  })
  return { cloud, server: aws.connect(connection(), cloud.surroundings).server }
}

describe('a server that boots from a volume', () => {
  const at = (Name: 'running' | 'stopped' | 'stopping', VolumeId?: string) => ({
    State: { Name },
    RootDeviceName: '/dev/xvda',
    BlockDeviceMappings: VolumeId ? [{ DeviceName: '/dev/xvda', Ebs: { VolumeId } }] : [],
  })
  it.each([
    ['runs from its empty disk, and is stopped', at('running', 'vol-0'), 'stop'],
    ['is stopping', at('stopping', 'vol-0'), 'wait'],
    ['gives up its empty disk', at('stopped', 'vol-0'), 'detach'],
    ['gets the volume in its place', at('stopped'), 'attach'],
    ['starts from it', at('stopped', 'vol-9'), 'start'],
    ['runs from it, and what only the beginning needed goes', at('running', 'vol-9'), 'clear'],
  ] as const)('%s', (_, seen, step) => {
    expect(nextStep(seen, 'vol-9')).toBe(step)
  })
})

describe('RunInstances', () => {
  it('asks for one instance with our ports, our disk and our mark, in one call', () => {
    const input = launch(spec, mark, image, options)
    expect(input).toMatchObject({
      ClientToken: 't1',
      MinCount: 1,
      MaxCount: 1,
      ImageId: 'ami-1',
      InstanceType: 't3.micro',
      Placement: { AvailabilityZone: 'us-east-1a' },
      NetworkInterfaces: [
        { NetworkInterfaceId: 'eni-1', DeviceIndex: 0, DeleteOnTermination: false },
        { NetworkInterfaceId: 'eni-2', DeviceIndex: 1, DeleteOnTermination: false },
      ],
      BlockDeviceMappings: [
        { DeviceName: '/dev/xvda', Ebs: { DeleteOnTermination: true, VolumeSize: 8, VolumeType: 'gp3' } },
      ],
      MetadataOptions: { HttpTokens: 'required' },
    })
    expect(input.KeyName).toBeUndefined()
    const [instanceTags, volumeTags] = input.TagSpecifications!
    expect(instanceTags).toMatchObject({ ResourceType: 'instance' })
    expect(instanceTags!.Tags).toContainEqual({ Key: 'metadata:role', Value: 'db' })
    expect(volumeTags).toMatchObject({ ResourceType: 'volume' })
    expect(volumeTags!.Tags).toContainEqual({ Key: 'plimsoll:resource', Value: 'r1' })
  })

  it('says the same words every time', () => {
    expect(launch(spec, mark, image, options)).toEqual(launch(structuredClone(spec), { ...mark }, image, options))
  })

  it('buys once what may be taken back, and is never told to keep it stopped', () => {
    const { InstanceMarketOptions, InstanceInitiatedShutdownBehavior } = launch(
      { ...spec, option: 'spot' },
      mark,
      image,
      options,
    )
    expect(InstanceMarketOptions).toEqual({
      MarketType: 'spot',
      SpotOptions: { SpotInstanceType: 'one-time', InstanceInterruptionBehavior: 'terminate' },
    })
    expect(InstanceInitiatedShutdownBehavior).toBeUndefined()
    const onDemand = launch(spec, mark, image, options)
    expect([onDemand.InstanceMarketOptions, onDemand.InstanceInitiatedShutdownBehavior]).toEqual([undefined, 'stop'])
  })

  it('takes size, key and user data as they are asked for', () => {
    const change = { size: { ...spec.size, diskGiB: 30 }, keypair: 'k t', publicKey: 'ssh-ed25519 A', userData: 'aGk=' }
    expect(launch({ ...spec, ...change }, mark, image, options)).toMatchObject({
      BlockDeviceMappings: [{ Ebs: { VolumeSize: 30 } }],
      KeyName: 'k t',
      UserData: 'aGk=',
    })
  })

  it.each([
    ['without a port', { ports: [] }],
    ['with a key that is not there', { publicKey: 'ssh-ed25519 A' }],
    ['with a disk smaller than the image', { size: { ...spec.size, diskGiB: 4 } }],
    ['with too much user data', { userData: btoa('x'.repeat(16_385)) }],
    ['with too much metadata', { metadata: Object.fromEntries(Array.from({ length: 44 }, (_, i) => [`k${i}`, 'v'])) }],
  ])('is not asked for a server %s', (_, change) => {
    expect(() => launch({ ...spec, ...change }, mark, image, options)).toThrow(CloudError)
  })

  it('takes 16 KiB of user data', () => {
    expect(() => launch({ ...spec, userData: btoa('x'.repeat(16_384)) }, mark, image, options)).not.toThrow()
  })

  it('leaves the disks out that an image of a server had once, and lets other images have theirs', () => {
    const disks = ['/dev/xvda', '/dev/sdf', '/dev/sdz'].map((DeviceName) => ({ DeviceName, Ebs: { VolumeSize: 8 } }))
    const several = { ...image, BlockDeviceMappings: disks }
    const made = { ...several, Tags: [{ Key: 'plimsoll:deployment', Value: 'd1' }] }
    const told = (of: Image, drive: string | null) =>
      launch(spec, mark, of, options, drive).BlockDeviceMappings!.map(({ DeviceName, NoDevice, Ebs }) =>
        NoDevice === '' ? `no ${DeviceName}` : [DeviceName, Ebs!.SnapshotId ?? 'fresh'].join(' '),
      )
    expect(told(made, null)).toEqual(['/dev/xvda fresh', 'no /dev/sdf', 'no /dev/sdz'])
    expect(told(made, 'snap-1')).toEqual(['/dev/xvda fresh', 'no /dev/sdf', '/dev/sdz snap-1'])
    expect(told(several, null)).toEqual(['/dev/xvda fresh'])
  })

  it('makes nothing for a server that it is not going to be asked for', async () => {
    const { server, cloud } = realm({ DescribeInstances: list('DescribeInstances', 'reservationSet', []) })
    const boots = { ...spec, image: '', boot: { volume: 'vol-9', arch: 'x86_64' as const } }
    await expect(server.create({ ...boots, ports: [] }, mark)).rejects.toMatchObject({ code: 'definitive' })
    expect(cloud.actions()).toEqual(['DescribeInstances'])
  })

  it.each([
    ['InsufficientInstanceCapacity', 500, 'capacity', true],
    ['InvalidParameterValue', 400, 'definitive', true],
    ['UnauthorizedOperation', 403, 'denied', true],
    ['RequestLimitExceeded', 503, 'throttled', false],
  ])('that is refused with %s takes away what the server was to begin with, if it is over', async (...told) => {
    const [error, status, code, over] = told
    const { server, cloud } = realm({
      DescribeInstances: list('DescribeInstances', 'reservationSet', []),
      DescribeImages: list('DescribeImages', 'imagesSet', [
        '<imageId>ami-7</imageId><imageState>available</imageState><rootDeviceName>/dev/xvda</rootDeviceName><blockDeviceMapping><item><deviceName>/dev/xvda</deviceName><ebs><volumeSize>1</volumeSize></ebs></item></blockDeviceMapping>',
      ]),
      DescribeSnapshots: list('DescribeSnapshots', 'snapshotSet', ['<snapshotId>snap-7</snapshotId>']),
      RunInstances: () => refusal(error, status),
    })
    const boots = { ...spec, image: '', boot: { volume: 'vol-9', arch: 'x86_64' as const } }
    await expect(server.create(boots, mark)).rejects.toMatchObject({ code })
    const taken = cloud.actions().filter((action) => /^De(register|lete)/.test(action))
    expect(taken).toEqual(over ? ['DeregisterImage', 'DeleteSnapshot'] : [])
  })

  it('is not asked for an image without a disk', () => {
    expect(() => launch(spec, mark, { ImageId: 'ami-1', RootDeviceType: 'instance-store' }, options)).toThrow(/volume/)
  })

  it.each([
    ['a lost answer', new TypeError('connection lost'), 'ambiguous'],
    ['no instance in the answer', '<RunInstancesResponse><instancesSet/></RunInstancesResponse>', 'ambiguous'],
    ['no room', refusal('InsufficientInstanceCapacity', 500), 'capacity'],
  ])('with %s is told apart', async (_, answer, code) => {
    const { server } = realm({ DescribeImages: images, RunInstances: answer })
    await expect(server.create(spec, mark)).rejects.toMatchObject({ code })
  })

  it('needs an image that exists', async () => {
    const { server, cloud } = realm({ DescribeImages: list('DescribeImages', 'imagesSet', []) })
    await expect(server.create(spec, mark)).rejects.toMatchObject({ code: 'not_found' })
    expect(cloud.actions()).toEqual(['DescribeImages'])
  })
})

describe('a server', () => {
  const foreign = ours.replace('<value>d1</value>', '<value>d2</value>')

  it('of somebody else is neither changed nor removed', async () => {
    for (const tagSet of [foreign, '<tagSet/>']) {
      const { server, cloud } = realm({ DescribeInstances: instance('running', tagSet) })
      const size = spec.size
      const wishes = [
        () => server.start('i-1'),
        () => server.stop('i-1'),
        () => server.reboot('i-1', true),
        () => server.resize!('i-1', size, 'running'),
        () => server.rebuild!('i-1', 'ami-1', 'x'),
        () => server.describe!('i-1', { name: 'mine', metadata: {} }),
        () => server.remove('i-1', mark),
      ]
      for (const wish of wishes) await expect(wish()).rejects.toMatchObject({ code: 'definitive' })
      expect(new Set(cloud.actions())).toEqual(new Set(['DescribeInstances']))
    }
  })

  it('that is gone or going is not terminated again', async () => {
    for (const answer of [
      instance('terminated'),
      instance('shutting-down'),
      list('DescribeInstances', 'reservationSet', []),
    ]) {
      const { server, cloud } = realm({ DescribeInstances: answer })
      await server.remove('i-1', mark)
      expect(cloud.actions()).toEqual(['DescribeInstances'])
    }
    const { server } = realm({
      DescribeInstances: instance('running'),
      TerminateInstances: refusal('InvalidInstanceID.NotFound'),
    })
    await server.remove('i-1', mark)
  })

  it('is found by its tombstone when nothing else is left', async () => {
    const { server } = realm({ DescribeInstances: instance('terminated') })
    expect(await server.find(mark, spec)).toMatchObject({ id: 'i-1', health: 'gone' })
  })

  it('changes name and metadata by difference', async () => {
    const old = ours.replace(
      '</tagSet>',
      '<item><key>metadata:a</key><value>1</value></item><item><key>metadata:b</key><value>2</value></item></tagSet>',
    )
    const { server, cloud } = realm({ DescribeInstances: instance('running', old) })
    await server.describe!('i-1', { name: 'web', metadata: { b: '3' } })
    const [, away, put] = cloud.asked
    expect(away!.params.get('Action')).toBe('DeleteTags')
    expect([away!.params.get('Tag.1.Key'), away!.params.get('Tag.2.Key')]).toEqual(['metadata:a', null])
    expect([put!.params.get('Tag.1.Key'), put!.params.get('Tag.1.Value'), put!.params.get('Tag.2.Key')]).toEqual([
      'metadata:b',
      '3',
      null,
    ])
  })

  it('shows its console, on old hardware too', async () => {
    const output = btoa(String.fromCharCode(...new TextEncoder().encode('grüße\n')))
    const { server, cloud } = realm({
      GetConsoleOutput: (params) =>
        params.has('Latest')
          ? refusal('UnsupportedOperation')
          : `<GetConsoleOutputResponse><output>${output}</output></GetConsoleOutputResponse>`,
    })
    expect(await server.consoleLog!('i-1')).toBe('grüße\n')
    expect(cloud.asked).toHaveLength(2)
  })
})

describe('an image of a server', () => {
  it('is of the disk that it boots from: neither its config drive nor its volumes are in it', async () => {
    const disks = ['/dev/xvda', '/dev/sdf', '/dev/sdz']
      .map((name) => `<item><deviceName>${name}</deviceName><ebs><volumeId>vol-${name.at(-1)}</volumeId></ebs></item>`)
      .join('')
    const cloud = fake(({ action }) => {
      if (action === 'DescribeInstances')
        return list('DescribeInstances', 'reservationSet', [
          `<instancesSet><item><instanceId>i-1</instanceId><rootDeviceName>/dev/xvda</rootDeviceName><blockDeviceMapping>${disks}</blockDeviceMapping>${ours}</item></instancesSet>`,
        ])
      return action === 'CreateImage'
        ? '<CreateImageResponse><imageId>ami-5</imageId></CreateImageResponse>'
        : list(action, 'imagesSet', [])
    })
    const { image: realmOfImages } = aws.connect(connection(), cloud.surroundings)
    await realmOfImages.create({ name: 'copy', source: { kind: 'server', id: 'i-1' } }, { ...mark, kind: 'image' })
    const { params } = cloud.asked.find(({ action }) => action === 'CreateImage')!
    const told = [...params].filter(([key]) => key.startsWith('BlockDeviceMapping'))
    expect(Object.fromEntries(told)).toEqual({
      'BlockDeviceMapping.1.DeviceName': '/dev/sdf',
      'BlockDeviceMapping.1.NoDevice': '',
      'BlockDeviceMapping.2.DeviceName': '/dev/sdz',
      'BlockDeviceMapping.2.NoDevice': '',
    })
  })
})

describe('a rebuild', () => {
  const task = (state: string, token = 'again') =>
    list('DescribeReplaceRootVolumeTasks', 'replaceRootVolumeTaskSet', [
      `<replaceRootVolumeTaskId>replacevol-1</replaceRootVolumeTaskId><instanceId>i-1</instanceId><taskState>${state}</taskState>${tags({ 'plimsoll:rebuild': token })}`,
    ])
  const none = list('DescribeReplaceRootVolumeTasks', 'replaceRootVolumeTaskSet', [])
  const rebuilt = (state: string, tasks: string, more: Record<string, Answer> = {}) =>
    realm({ DescribeInstances: instance(state), DescribeReplaceRootVolumeTasks: tasks, ...more })

  it('is asked for once per token', async () => {
    for (const tasks of [none, task('succeeded', 'the one before')]) {
      const { server, cloud } = rebuilt('running', tasks)
      expect(await server.rebuild!('i-1', 'ami-2', 'again')).toBe('going')
      const { params } = cloud.asked.at(-1)!
      expect(Object.fromEntries(params)).toMatchObject({
        Action: 'CreateReplaceRootVolumeTask',
        ClientToken: 'again',
        InstanceId: 'i-1',
        ImageId: 'ami-2',
        DeleteReplacedRootVolume: 'true',
        'TagSpecification.1.ResourceType': 'replace-root-volume-task',
      })
    }
    const { server, cloud } = rebuilt('running', task('in-progress'))
    expect(await server.rebuild!('i-1', 'ami-2', 'again')).toBe('going')
    expect(cloud.actions()).not.toContain('CreateReplaceRootVolumeTask')
  })

  it('marks the fresh disk, as far as it may', async () => {
    const { server, cloud } = rebuilt('running', task('succeeded'))
    expect(await server.rebuild!('i-1', 'ami-2', 'again')).toBe('done')
    expect(cloud.asked.at(-1)!.params.get('ResourceId.1')).toBe('vol-9')
    const unable = rebuilt('running', task('succeeded'), { CreateTags: refusal('UnauthorizedOperation', 403) })
    expect(await unable.server.rebuild!('i-1', 'ami-2', 'again')).toBe('done')
  })

  it('fails with its task, and of a stopped server at once', async () => {
    for (const [state, tasks] of [
      ['running', task('failed')],
      ['running', task('failed-detached')],
      ['stopped', none],
    ]) {
      await expect(rebuilt(state!, tasks!).server.rebuild!('i-1', 'ami-2', 'again')).rejects.toMatchObject({
        code: 'definitive',
      })
    }
  })
})

describe('a server of a group', () => {
  const group = { id: 'g1', policy: 'anti-affinity' as const, mostPerHost: null, native: 'plimsoll-g1-t0' }

  it('that is kept apart is started in the placement group of its zone', () => {
    expect(launch({ ...spec, group }, mark, image, options).Placement).toEqual({
      AvailabilityZone: 'us-east-1a',
      GroupName: 'plimsoll-g1-t0',
    })
  })

  it.each(['soft-anti-affinity', 'soft-affinity'] as const)('that is %s is told its zone alone', (policy) => {
    const soft = { ...group, policy, native: null }
    expect(launch({ ...spec, group: soft }, mark, image, options).Placement).toEqual({ AvailabilityZone: 'us-east-1a' })
  })

  it('that is kept together, or whose group is not there, is refused', () => {
    expect(() => launch({ ...spec, group: { ...group, policy: 'affinity' } }, mark, image, options)).toThrow(/together/)
    expect(() => launch({ ...spec, group: { ...group, native: null } }, mark, image, options)).toThrow(
      /placement group has to be made/,
    )
  })
})
