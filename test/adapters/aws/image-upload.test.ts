import { createHash } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import { aws } from '../../../adapters/aws/index.ts'
import { BLOCK } from '../../../adapters/aws/wire/ebs.ts'
import { type ImageData, type ImageSpec, isTask, type Json, type Mark } from '../../../adapters/contract.ts'
import { noise } from '../../support/disks.ts'
import type { MemoryBlobs } from '../../support/memory-blobs.ts'
import { type Answer, type Asked, connection, fake, list, refusal, tags } from './fake.ts'

const MARK: Mark = { deployment: 'd1', project: 'p1', kind: 'image', resource: 'r1', token: 't1', epoch: 1 }
const marked = tags(
  Object.fromEntries(Object.entries(MARK).map(([field, value]) => [`plimsoll:${field}`, String(value)])),
)
/** Three blocks and a bit, the second of them zeros. */
const DATA = noise(3 * BLOCK + 100)
DATA.fill(0, BLOCK, 2 * BLOCK)
const SPEC: ImageSpec = {
  name: 'own',
  source: {
    kind: 'data',
    blob: 'b1',
    format: 'raw/bare',
    sizeBytes: DATA.length,
    arch: 'aarch64',
    os: 'linux',
    minDiskGiB: 2,
  },
}

/** EBS and EC2 as the API reference describes them, with one snapshot and one image. */
const cloudOf = (trouble: (asked: Asked & { call: string }) => Answer | undefined = () => undefined) => {
  const state = {
    snapshot: null as 'pending' | 'completed' | 'error' | null,
    blocks: new Map<number, Uint8Array>(),
    image: null as URLSearchParams | null,
    calls: [] as string[],
  }
  const json = (status: number, body: object) =>
    new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json' } })
  const made = fake((asked) => {
    const call = asked.action || callOf(asked)
    state.calls.push(call)
    const wrong = trouble({ ...asked, call })
    if (wrong !== undefined) return wrong
    switch (call) {
      case 'StartSnapshot':
        state.snapshot ??= 'pending'
        return json(201, { SnapshotId: 'snap-1', Status: state.snapshot, BlockSize: BLOCK })
      case 'PutSnapshotBlock':
        if (state.snapshot !== 'pending') return json(400, { __type: 'ValidationException', Message: 'not pending' })
        state.blocks.set(Number(asked.url.split('/').at(-1)), new Uint8Array(asked.body as Uint8Array))
        return json(201, {})
      case 'CompleteSnapshot':
        if (state.snapshot !== 'pending') return json(400, { __type: 'ValidationException', Message: 'not pending' })
        state.snapshot = 'completed'
        return json(202, { Status: 'completed' })
      case 'DescribeSnapshots':
        return list(
          'DescribeSnapshots',
          'snapshotSet',
          state.snapshot ? [`<snapshotId>snap-1</snapshotId><status>${state.snapshot}</status>${marked}`] : [],
        )
      case 'DeleteSnapshot':
        state.snapshot = null
        return '<DeleteSnapshotResponse><return>true</return></DeleteSnapshotResponse>'
      case 'RegisterImage':
        if (state.image) return refusal('InvalidAMIName.Duplicate')
        state.image = asked.params
        return '<RegisterImageResponse><imageId>ami-1</imageId></RegisterImageResponse>'
      case 'DescribeImages':
        return list(
          'DescribeImages',
          'imagesSet',
          state.image
            ? [`<imageId>ami-1</imageId><imageState>available</imageState><architecture>arm64</architecture>${marked}`]
            : [],
        )
      default:
        return `<${call}Response><return>true</return></${call}Response>`
    }
  })
  const cloud = aws.connect(connection({ options: { encrypt_volumes: true } }), made.surroundings)
  return { ...made, state, cloud, blobs: made.surroundings.blobs as MemoryBlobs }
}
const callOf = ({ method, url }: Asked): string => {
  const path = new URL(url).pathname
  if (path === '/snapshots') return 'StartSnapshot'
  return method === 'PUT' ? 'PutSnapshotBlock' : 'CompleteSnapshot'
}
type Stage = ReturnType<typeof cloudOf>

let stage: Stage
const begin = async (trouble?: Parameters<typeof cloudOf>[0]) => {
  stage = cloudOf(trouble)
  await stage.blobs.write('b1', new Blob([DATA]).stream())
}
beforeEach(() => begin())

/** As the broker goes on: each task through JSON, the one before it kept. */
const play = async (from?: Json): Promise<unknown> => {
  const { image } = stage.cloud
  let outcome = from === undefined ? await image.create(SPEC, MARK) : await image.poll!(from)
  while (isTask(outcome)) outcome = await image.poll!(JSON.parse(JSON.stringify(outcome.task)))
  return outcome
}

describe('an image of uploaded data', () => {
  it('reads and sends nothing of holes that are known', async () => {
    const ranges: [number, number][] = []
    const { blobs } = stage
    const read = blobs.read.bind(blobs)
    Object.assign(blobs, {
      read: async (key: string, range?: { offset: number; length: number }) => {
        if (range) ranges.push([range.offset, range.length])
        return read(key, range)
      },
      // A terabyte with half a MiB at one place.
      extents: async () => [{ offset: 2_000_000 * BLOCK, length: BLOCK }],
    })
    const large: ImageSpec = {
      name: 'own',
      source: { ...(SPEC.source as ImageData & { kind: 'data' }), sizeBytes: 2 ** 40 },
    }
    let outcome = await stage.cloud.image.create(large, MARK)
    const shares: (number | undefined)[] = []
    for (let turns = 0; isTask(outcome) && ranges.length === 0; turns++) {
      expect(turns).toBeLessThan(4)
      shares.push(outcome.share)
      outcome = await stage.cloud.image.poll!(JSON.parse(JSON.stringify(outcome.task))).catch((error) => error)
    }
    expect(ranges[0]![0]).toBe(2_000_000 * BLOCK)
    expect(shares).toEqual([0])
  })

  it('is a snapshot written block by block, without its zeros, then registered', async () => {
    const seen = await play()
    expect(seen).toMatchObject({ id: 'ami-1', health: 'ready', arch: 'aarch64', mark: MARK, name: 'own' })
    expect([...stage.state.blocks.keys()].sort()).toEqual([0, 2, 3])
    const last = stage.state.blocks.get(3)!
    expect([last.length, last.subarray(0, 100), last.subarray(100).every((byte) => byte === 0)]).toEqual([
      BLOCK,
      DATA.subarray(3 * BLOCK),
      true,
    ])
    expect(stage.state.blocks.get(2)).toEqual(DATA.subarray(2 * BLOCK, 3 * BLOCK))
    const params = Object.fromEntries(stage.state.image!)
    expect(params).toMatchObject({
      Name: 'own t1',
      Architecture: 'arm64',
      VirtualizationType: 'hvm',
      EnaSupport: 'true',
      RootDeviceName: '/dev/xvda',
      'BlockDeviceMapping.1.DeviceName': '/dev/xvda',
      'BlockDeviceMapping.1.Ebs.SnapshotId': 'snap-1',
      'TagSpecification.1.ResourceType': 'image',
    })
  })

  it('is sent to the direct API of EBS, signed for it, with checksums and the count of blocks', async () => {
    await play()
    const of = (call: string) => stage.asked.filter((asked) => (asked.action || callOf(asked)) === call)
    const [start] = of('StartSnapshot')
    expect(start!.url).toBe('https://ebs.us-east-1.amazonaws.com/snapshots')
    expect(start!.headers.get('authorization')).toMatch(/Credential=AKIA\w+\/\d{8}\/us-east-1\/ebs\/aws4_request/)
    const body = JSON.parse(String(start!.body))
    expect(body).toMatchObject({ VolumeSize: 2, ClientToken: 't1', Encrypted: true, Description: 'own' })
    expect(body.Tags).toContainEqual({ Key: 'plimsoll:token', Value: 't1' })
    for (const put of of('PutSnapshotBlock')) {
      const block = put.body as Uint8Array
      expect(put.headers.get('x-amz-data-length')).toBe(String(BLOCK))
      expect(put.headers.get('x-amz-checksum-algorithm')).toBe('SHA256')
      expect(put.headers.get('x-amz-checksum')).toBe(createHash('sha256').update(block).digest('base64'))
      expect(put.headers.get('authorization')).toMatch(/SignedHeaders=[\w;-]*x-amz-checksum/)
    }
    expect(of('CompleteSnapshot')[0]!.headers.get('x-amz-changedblockscount')).toBe('3')
  })

  it('is made once when the answer to every step is lost, and every step is taken twice', async () => {
    const { image } = stage.cloud
    const twice = async <T>(step: () => Promise<T>): Promise<T> => {
      await step()
      return step()
    }
    let outcome = await twice(() => image.create(SPEC, MARK))
    while (isTask(outcome)) {
      const { task } = outcome
      outcome = await twice(() => image.poll!(task))
    }
    expect(outcome).toMatchObject({ id: 'ami-1' })
    expect(stage.state.calls.filter((call) => call === 'StartSnapshot')).toHaveLength(1)
    expect([...stage.state.blocks.keys()].sort()).toEqual([0, 2, 3])
  })

  it('whose task is lost is found by its mark', async () => {
    const outcome = await stage.cloud.image.create(SPEC, MARK)
    expect(isTask(outcome)).toBe(true)
    expect(await play()).toMatchObject({ id: 'ami-1' })
    // And once more when all of it is there.
    expect(await play()).toMatchObject({ id: 'ami-1' })
    expect(stage.state.calls.filter((call) => call === 'StartSnapshot')).toHaveLength(1)
  })

  it('that cannot be finished leaves nothing', async () => {
    await begin(({ call }) => (call === 'RegisterImage' ? refusal('InvalidAMIAttributeItemValue') : undefined))
    await expect(play()).rejects.toMatchObject({ code: 'definitive' })
    expect(stage.state.snapshot).toBeNull()
  })

  it('whose data is gone is given up, and nobody who asks again finds anything to go on with', async () => {
    const outcome = await stage.cloud.image.create(SPEC, MARK)
    if (!isTask(outcome)) throw new Error('it cannot be ready')
    await stage.blobs.remove('b1')
    await expect(stage.cloud.image.poll!(outcome.task)).rejects.toMatchObject({ code: 'definitive' })
    expect(stage.state.snapshot).toBeNull()
    await expect(stage.cloud.image.poll!(outcome.task)).rejects.toMatchObject({ code: 'not_found' })
  })

  it('that is interrupted for the moment keeps what it has', async () => {
    let busy = 2
    await begin(({ call }) =>
      call === 'PutSnapshotBlock' && busy-- > 0
        ? new Response('{"message":"slow down"}', {
            status: 400,
            headers: { 'x-amzn-errortype': 'ThrottlingException:http://internal.amazon.com/coral/' },
          })
        : undefined,
    )
    const outcome = await stage.cloud.image.create(SPEC, MARK)
    if (!isTask(outcome)) throw new Error('it cannot be ready')
    const task = JSON.parse(JSON.stringify(outcome.task))
    await expect(stage.cloud.image.poll!(task)).rejects.toMatchObject({ code: 'throttled' })
    expect(stage.state.snapshot).toBe('pending')
    expect(await play(task)).toMatchObject({ id: 'ami-1' })
  })

  it('takes turns: a large one is many tasks', async () => {
    const large = noise(130 * BLOCK)
    await stage.blobs.write('b2', new Blob([large]).stream())
    const source = { ...SPEC.source, blob: 'b2', sizeBytes: large.length } as ImageSpec['source']
    let outcome = await stage.cloud.image.create({ ...SPEC, source }, MARK)
    const turns: number[] = []
    while (isTask(outcome)) {
      turns.push(stage.state.blocks.size)
      outcome = await stage.cloud.image.poll!(outcome.task)
    }
    expect(turns).toEqual([0, 128, 130, 130])
  })

  it('is not made of what EC2 cannot boot', async () => {
    const refuse = async (change: object) => {
      const source = { ...SPEC.source, ...change } as ImageSpec['source']
      await expect(stage.cloud.image.create({ ...SPEC, source }, MARK)).rejects.toMatchObject({ code: 'definitive' })
    }
    await refuse({ format: 'qcow2/bare' })
    await refuse({ os: 'windows' })
    expect(stage.state.calls).toEqual([])
  })

  it('is removed with its snapshot', async () => {
    await play()
    await stage.cloud.image.remove('ami-1', MARK)
    expect(stage.state.calls.slice(-3)).toEqual(['DeregisterImage', 'DescribeSnapshots', 'DeleteSnapshot'])
  })
})
