import { createHash } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import type { Seen } from '../../../adapters/contract.ts'
import { recall } from '../../../adapters/sandbox/backdoor.ts'
import { imageById } from '../../../db/queries/image/images.ts'
import type { Binding } from '../../../db/queries/line/bindings.ts'
import { bindingsOf } from '../../../db/queries/line/bindings.ts'
import { sweepBlobs } from '../../../functions/broker/image/image-data.ts'
import { imageSteps } from '../../../functions/broker/kinds/image.ts'
import type { Write } from '../../../functions/broker/line/commit.ts'
import { createServer } from '../../support/builders.ts'
import { memoryConversion } from '../../support/conversion/memory.ts'
import { rawCloudType } from '../../support/conversion/raw-cloud.ts'
import { qcow2Disk } from '../../support/disks.ts'
import { type Plimsoll, type Start, startPlimsoll } from '../../support/harness.ts'

rawCloudType()

/** One cloud takes disks as they are, the other takes anything. */
const CLOUDS = [
  { name: 'bare', type: 'raw' },
  { name: 'broad', type: 'sandbox' },
]
let plimsoll: Plimsoll
let conversion: ReturnType<typeof memoryConversion>
const start = async (more: Start = {}) => {
  conversion = memoryConversion(() => plimsoll.blobs)
  plimsoll = await startPlimsoll({ clouds: CLOUDS, conversion, ...more })
}
beforeEach(() => start())

const demo = () => plimsoll.as('demo')
const OCTETS = { 'Content-Type': 'application/octet-stream' }
const uploaded = async (bytes = qcow2Disk(), disk_format = 'qcow2') => {
  const { body } = await demo().post('/image/v2/images', { name: 'own', disk_format, container_format: 'bare' })
  expect((await demo().put(`/image/v2/images/${body.id}/file`, bytes, OCTETS)).status).toBe(204)
  return body.id as string
}
const boot = async (imageRef: string, availability_zone = 'bare', flavorRef = '2') => {
  const wish = { imageRef, flavorRef, ...(availability_zone ? { availability_zone } : {}) }
  const id = await createServer(plimsoll, demo(), wish)
  return (await plimsoll.as('admin').get(`/compute/v2.1/servers/${id}`)).body.server
}
const copiesOf = async (id: string) => {
  const { body } = await demo().get(`/broker/v1/images/${id}/copies`)
  return Object.fromEntries(body.copies.map((copy: { cloud: string }) => [copy.cloud, copy]))
}
const placementOf = async (id: string) => (await demo().get(`/broker/v1/servers/${id}/placement`)).body

describe('an image whose format a cloud does not take', () => {
  it('is converted where it is needed, and that is what the cloud gets', async () => {
    const id = await uploaded()
    expect(await copiesOf(id)).toMatchObject({
      bare: { state: 'absent', format: 'raw/bare', converted: true },
      broad: { state: 'absent', format: 'qcow2/bare', converted: false },
    })
    const server = await boot(id)
    expect(server).toMatchObject({ status: 'ACTIVE', image: { id } })
    const { nativeId } = (await bindingsOf(plimsoll.db, id))[0]!
    const [made] = [...conversion.kept.values()]
    expect(await recall(plimsoll.host.cloudState, plimsoll.cloudId('bare'), 'image', nativeId!)).toMatchObject({
      sha256: createHash('sha256').update(made!).digest('hex'),
      sizeBytes: made!.length,
    })
    expect((await copiesOf(id)).bare).toMatchObject({ state: 'ready', format: 'raw/bare', converted: true })
  })

  it('says how far it is meanwhile', async () => {
    const id = await uploaded()
    const { body } = await demo().post('/compute/v2.1/servers', {
      server: { name: 's', imageRef: id, flavorRef: '2', availability_zone: 'bare' },
    })
    await plimsoll.runDeferred()
    expect((await copiesOf(id)).bare).toMatchObject({
      state: 'copying',
      format: 'raw/bare',
      share: expect.closeTo(1 / 3),
    })
    await plimsoll.settle()
    expect((await demo().get(`/compute/v2.1/servers/${body.server.id}`)).body.server.status).toBe('ACTIVE')
  })

  it('is converted once for all, and its row still speaks of what was uploaded', async () => {
    const id = await uploaded()
    for (let servers = 2; servers > 0; servers--) expect((await boot(id)).status).toBe('ACTIVE')
    await plimsoll.newProject('guest', { clouds: ['bare'] })
    const visibility = [{ op: 'replace', path: '/visibility', value: 'public' }]
    const V21 = { 'Content-Type': 'application/openstack-images-v2.1-json-patch' }
    await plimsoll.as('admin').patch(`/image/v2/images/${id}`, visibility, V21)
    await createServer(plimsoll, plimsoll.as('guest'), { imageRef: id, flavorRef: '2' })
    expect(conversion.told.begun).toBe(1)
    const { body } = await demo().get(`/image/v2/images/${id}`)
    expect(body).toMatchObject({ disk_format: 'qcow2', size: qcow2Disk().length })
  })

  it('of which nobody knew how large its disk is takes no more than the disk of the flavor', async () => {
    conversion.told.sizeBytes = 21 * 2 ** 30
    const vhdx = new Uint8Array(70_000)
    vhdx.set(new TextEncoder().encode('vhdxfile'))
    const id = await uploaded(vhdx, 'vhdx')
    const shown = async () => (await demo().get(`/image/v2/images/${id}`)).body.virtual_size
    expect(await shown()).toBeNull()
    const words = "Flavor's disk is too small for requested image."
    expect(await boot(id)).toMatchObject({ status: 'ERROR', fault: { message: expect.stringContaining(words) } })
    expect(await shown()).toBe(21 * 2 ** 30)
    const wish = { server: { name: 's', imageRef: id, flavorRef: '2', availability_zone: 'bare' } }
    const { status, body } = await demo().post('/compute/v2.1/servers', wish)
    expect([status, body.badRequest.message]).toEqual([400, expect.stringContaining(words)])
    expect((await boot(id, 'bare', '4')).status).toBe('ACTIVE')
  })

  it('of which a cloud alone knows how large its disk is takes what that says', async () => {
    const vhdx = new Uint8Array(70_000)
    vhdx.set(new TextEncoder().encode('vhdxfile'))
    const id = await uploaded(vhdx, 'vhdx')
    const row = (await imageById(plimsoll.db, id))!
    const source = { kind: 'data', blob: row.blob, format: 'vmdk/bare', sizeBytes: 70_000, arch: 'x86_64', os: 'linux' }
    const binding = { frozen: { name: 'x', source: { ...source, minDiskGiB: 1 } } } as unknown as Binding
    const sees = async (minDiskGiB: number) => {
      const seen = { id: 'vm-1', health: 'ready', minDiskGiB } as unknown as Seen
      const writes = imageSteps.observe!(plimsoll.context(), row, binding, seen)
      if (writes.length) await plimsoll.db.batch(writes as [Write])
      return (await demo().get(`/image/v2/images/${id}`)).body.virtual_size
    }
    // As much as it was told: nobody has looked inside.
    expect(await sees(1)).toBeNull()
    expect(await sees(40)).toBe(40 * 2 ** 30)
  })

  it('is written over no server whose flavor has a smaller disk', async () => {
    const first = await uploaded()
    const server = await boot(first)
    conversion.told.sizeBytes = 21 * 2 ** 30
    const second = await uploaded(qcow2Disk({ virtual: 2 ** 30 }))
    const path = `/compute/v2.1/servers/${server.id}`
    expect((await demo().post(`${path}/action`, { rebuild: { imageRef: second } })).status).toBe(202)
    await plimsoll.settle()
    expect((await demo().get(path)).body.server).toMatchObject({ status: 'ACTIVE', image: { id: first } })
    const [rebuilt] = (await demo().get(`${path}/os-instance-actions`)).body.instanceActions
    expect(rebuilt).toMatchObject({ action: 'rebuild', message: expect.stringMatching(/rror|too small/) })
  })

  it('makes volumes as well', async () => {
    const id = await uploaded()
    const path = `/volume/v3/${plimsoll.projectId('demo')}/volumes`
    const { body } = await demo().post(path, { volume: { size: 2, imageRef: id, availability_zone: 'bare.a' } })
    await plimsoll.settle()
    expect((await demo().get(`${path}/${body.volume.id}`)).body.volume.status).toBe('available')
  })

  it('goes to a cloud that takes it as it is, where the operator prefers none; and placement tells the cost', async () => {
    const id = await uploaded()
    const server = await boot(id, '')
    expect(server['OS-EXT-AZ:availability_zone']).toMatch(/^broad\./)
    const told = JSON.stringify(await placementOf(server.id))
    expect(told).toContain(
      `bare takes image ${id} once it is converted from qcow2/bare to raw/bare: 1 MiB are read, and what the disk holds is written.`,
    )
    await plimsoll.as('admin').patch('/broker/v1/clouds/broad', { cloud: { position: 5 } })
    expect((await boot(id, ''))['OS-EXT-AZ:availability_zone']).toMatch(/^bare\./)
  })

  it('leaves nothing converted when it is deleted', async () => {
    const id = await uploaded()
    await boot(id)
    expect(conversion.kept.size).toBe(1)
    await sweepBlobs(plimsoll.context())
    expect(conversion.kept.size).toBe(1)
    await demo().delete(`/image/v2/images/${id}`)
    await plimsoll.settle()
    await sweepBlobs(plimsoll.context())
    expect(conversion.kept.size).toBe(0)
  })
})

describe('a conversion that fails', () => {
  it('is told to the server, and tried again by the next', async () => {
    const id = await uploaded()
    conversion.told.fault = 'The image could not be converted: it is broken.'
    expect(await boot(id)).toMatchObject({
      status: 'ERROR',
      fault: { message: 'The image could not be converted: it is broken.' },
    })
    expect((await copiesOf(id)).bare).toMatchObject({
      state: 'failed',
      reason: 'The image could not be converted: it is broken.',
    })
    conversion.told.fault = null
    expect((await boot(id)).status).toBe('ACTIVE')
  })
})

describe('where nothing is converted', () => {
  const lacking = 'Nothing is converted here: qemu-img is not on this machine (Debian has it in qemu-utils).'

  it('the server says why, and which ways there are', async () => {
    await start({ conversion: { lacking } })
    const id = await uploaded()
    const { status, fault } = await boot(id)
    expect(status).toBe('ERROR')
    expect(fault.message).toMatch(/Image [\w-]+ is qcow2\/bare, and bare takes raw\/bare\. /)
    expect(fault.message).toContain(lacking)
    expect(fault.message).toContain(`PUT /broker/v1/images/${id}/copies/CLOUD`)
    expect((await copiesOf(id)).bare).toMatchObject({
      state: 'absent',
      format: null,
      reason: expect.stringContaining(lacking),
    })
  })

  it('a check of a cloud says so', async () => {
    const asked = async () =>
      (await plimsoll.as('admin').post('/broker/v1/clouds/bare/check')).body.check.image_conversion
    expect(await asked()).toEqual({ available: true, tool: 'a test', reason: null })
    await start({ conversion: { lacking } })
    expect(await asked()).toEqual({ available: false, tool: null, reason: lacking })
  })

  it('as on Workers, whose ways are named', async () => {
    plimsoll = await startPlimsoll({ clouds: CLOUDS, settings: { runtime: 'workers' } })
    const { fault } = await boot(await uploaded())
    expect(fault.message).toContain('Nothing is converted on Workers; a broker on Node does it with qemu-img.')
    expect(fault.message).toContain('It can be uploaded in a format that is taken, or an administrator names the copy')
  })
})
