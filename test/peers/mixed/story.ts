import assert from 'node:assert/strict'
import { DescribeImagesCommand } from '@aws-sdk/client-ec2'
import { streamOptimized } from '../../adapters/vsphere/disk-image.ts'
import { IMAGE } from '../aws/index.ts'
import { lookAt } from '../aws/look.ts'
import type { Moto } from '../moto/launch.ts'
import type { Api } from '../support/api.ts'
import type { Broker } from '../support/broker.ts'
import type { Wire } from '../support/wire.ts'
import type { Vcsim } from '../vsphere/launch.ts'
import { marked } from '../vsphere/seen.ts'
import { qcow2 } from './disk.ts'
import { type Berth, berth, boot, cinder, eventually, leave, NEUTRON, NOVA, serverOf, volumeOf } from './place.ts'

interface Shop {
  broker: Broker
  admin: Api
  demo: Api
  moto: Moto
  vcsim: Vcsim
  /** The wires from the broker to the two. */
  ec2: Wire
  vcenter: Wire
}

/** Runs a step and says whether it held. */
type Step = (title: string, run: () => Promise<void>) => Promise<boolean>

const PLACES = [
  { zone: 'sandbox.a', image: 'sandbox-linux', cidr: '10.61.0.0/24', filters: true },
  { zone: 'aws-east.us-east-1a', image: IMAGE, cidr: '10.62.0.0/24', filters: true },
  { zone: 'dc1-vsphere.DC0_C0', image: 'debian-12', cidr: '10.63.0.0/24', filters: false },
] as const

/** What people do who have some of everything. False: a step failed. */
export const mixedShop = async (shop: Shop, step: Step): Promise<boolean> => {
  const { demo } = shop
  const berths: Berth[] = []
  const results: boolean[] = []
  const tell: Step = async (title, run) => {
    const held = await step(title, run)
    results.push(held)
    return held
  }
  await demo.must('POST', `${NEUTRON}/security-groups`, { security_group: { name: 'web' } })
  for (const place of PLACES)
    await tell(`the script makes network, server and volume in ${place.zone}, and knows no more of it`, async () => {
      const made = await berth(demo, place)
      berths.push(made)
      await eventually(
        () => serverOf(demo, made.server),
        ({ status }) => status === 'ACTIVE',
      )
      await eventually(
        () => volumeOf(demo, made.volume),
        ({ status }) => status === 'available',
      )
      assert.equal((await serverOf(demo, made.server))['OS-EXT-AZ:availability_zone'], place.zone)
    })
  await tell('each server takes the volume of its own cloud', () => attachAll(demo, berths))
  await tell('one list shows all of them, in order, whole and page by page', () => listed(demo, berths))
  await tell('a volume of one cloud refuses the server of another before any cloud hears of it', () =>
    strangers(shop, berths),
  )
  const { image_conversion } = (await shop.admin.must('POST', '/broker/v1/clouds/sandbox/check')).check
  for (const [format, zones] of UPLOADS)
    if (image_conversion.available)
      await tell(
        `an image of ${format} is uploaded once, and boots on all, converted by ${image_conversion.tool}`,
        () => uploaded(shop, berths, format, null),
      )
    else
      await tell(
        `an image of ${format} is uploaded once and boots on ${zones.join(' and ')}; the others say why not`,
        () => uploaded(shop, berths, format, zones),
      )
  await tell('one cloud is down: the others work, and what it had is shown with its date', () => oneDown(shop, berths))
  await tell('everything goes, and no cloud keeps anything with our mark', () => farewell(shop, berths))
  return results.every(Boolean)
}

const attachAll = async (demo: Api, berths: Berth[]): Promise<void> => {
  for (const { server, volume } of berths)
    await demo.must('POST', `${NOVA}/${server}/os-volume_attachments`, { volumeAttachment: { volumeId: volume } })
  for (const { volume } of berths)
    await eventually(
      () => volumeOf(demo, volume),
      ({ status }) => status === 'in-use',
    )
}

const listed = async (demo: Api, berths: Berth[]): Promise<void> => {
  const detail = async (query: string): Promise<string[]> =>
    (await demo.must('GET', `${NOVA}/detail?${query}`)).servers.map(({ id }: { id: string }) => id)
  const whole = await detail('')
  assert.deepEqual(whole, berths.map(({ server }) => server).reverse(), 'the newest first')
  const byName = await detail('sort_key=display_name&sort_dir=asc')
  const named = [...berths].sort((a, b) => (`vm-${a.zone}` < `vm-${b.zone}` ? -1 : 1))
  assert.deepEqual(
    byName,
    named.map(({ server }) => server),
  )
  const paged: string[] = []
  for (let marker = ''; ; marker = `&marker=${paged.at(-1)}`) {
    const page = await detail(`limit=1${marker}`)
    if (!page.length) break
    paged.push(...page)
  }
  assert.deepEqual(paged, whole)
}

const strangers = async ({ demo, ec2, vcenter }: Shop, berths: Berth[]): Promise<void> => {
  const before = [ec2.said('AttachVolume'), vcenter.said('AttachDisk_Task')]
  for (const here of berths)
    for (const there of berths.filter((each) => each !== here)) {
      const { volume } = await demo.must('POST', `${cinder(demo)}/volumes`, {
        volume: { size: 1, name: 'stray', availability_zone: there.zone },
      })
      await eventually(
        () => volumeOf(demo, volume.id),
        ({ status }) => status === 'available',
      )
      const { status, body } = await demo.call('POST', `${NOVA}/${here.server}/os-volume_attachments`, {
        volumeAttachment: { volumeId: volume.id },
      })
      assert.equal(status, 400, JSON.stringify(body))
      assert.match(body.badRequest.message, /it is in .*, the server is in/)
      await demo.must('DELETE', `${cinder(demo)}/volumes/${volume.id}`)
    }
  assert.deepEqual([ec2.said('AttachVolume'), vcenter.said('AttachDisk_Task')], before)
}

type Format = 'raw/bare' | 'vmdk/bare' | 'qcow2/bare'
const UPLOADS: [Format, string[]][] = [
  ['raw/bare', ['sandbox.a', 'aws-east.us-east-1a']],
  ['vmdk/bare', ['sandbox.a', 'dc1-vsphere.DC0_C0']],
  ['qcow2/bare', ['sandbox.a']],
]
const dataOf = async (format: Format): Promise<Uint8Array<ArrayBuffer>> => {
  if (format === 'raw/bare') return new Uint8Array(4 * 2 ** 20).fill(7)
  return format === 'vmdk/bare' ? streamOptimized(4, 'a disk of the mixed shop') : qcow2(64, 'a disk of the mixed shop')
}

/** @param zones where it boots; null: everywhere */
const uploaded = async (
  { demo, broker: { url }, moto, vcsim }: Shop,
  berths: Berth[],
  format: Format,
  zones: string[] | null,
) => {
  const [disk_format, container_format] = format.split('/')
  const image = await demo.must('POST', '/image/v2/images', { name: format, disk_format, container_format })
  const sent = await fetch(`${url}/image/v2/images/${image.id}/file`, {
    method: 'PUT',
    headers: { 'X-Auth-Token': demo.token, 'Content-Type': 'application/octet-stream' },
    body: await dataOf(format),
  })
  assert.equal(sent.status, 204, await sent.text())
  const made: string[] = []
  for (const { zone, network } of berths) {
    const { status, body } = await boot(demo, { name: `own-${zone}`, zone, image: image.id, network })
    assert.equal(status, 202, JSON.stringify(body))
    const { server } = body
    made.push(server.id)
    const end = !zones || zones.includes(zone) ? 'ACTIVE' : 'ERROR'
    await eventually(
      () => serverOf(demo, server.id),
      (seen) => seen.status !== 'BUILD',
      90,
    )
    const seen = await serverOf(demo, server.id)
    assert.equal(seen.status, end, `${zone}: ${seen.status} ${seen.fault?.message}`)
    if (end === 'ERROR') assert.match(seen.fault.message, new RegExp(format), 'it says what it cannot take')
  }
  await assertCopies(demo, image.id, format, zones)
  if (!zones) await assertHeld({ moto, vcsim }, format)
  for (const id of made) await demo.must('DELETE', `${NOVA}/${id}`)
  for (const id of made)
    await eventually(
      async () => (await demo.call('GET', `${NOVA}/${id}`)).status,
      (status) => status === 404,
    )
  await demo.must('DELETE', `/image/v2/images/${image.id}`)
}

/** What the broker says of each cloud. */
const assertCopies = async (demo: Api, id: string, format: Format, zones: string[] | null): Promise<void> => {
  const { copies } = await demo.must('GET', `/broker/v1/images/${id}/copies`)
  for (const copy of copies) {
    const boots = !zones || zones.some((zone) => zone.startsWith(`${copy.cloud}.`))
    assert.equal(copy.state, boots ? 'ready' : 'absent', JSON.stringify(copy))
    if (!boots) assert.match(copy.reason, /which the cloud does not take\. Nothing is converted/)
    const own = copy.cloud === 'aws-east' ? 'raw/bare' : copy.cloud === 'dc1-vsphere' ? 'vmdk/bare' : format
    if (boots) assert.deepEqual([copy.format, copy.converted], [own, own !== format])
  }
}

/** What the clouds themselves hold of it: a snapshot with the first block and no more, a template with a disk of its size. */
const assertHeld = async ({ moto, vcsim }: Pick<Shop, 'moto' | 'vcsim'>, format: Format): Promise<void> => {
  const { ec2 } = lookAt(moto.url)
  const { Images } = await ec2.send(new DescribeImagesCommand({ Owners: ['self'] }))
  assert.equal(Images?.filter(({ Name }) => Name?.startsWith(format)).length, 1)
  const templates = (await vcsim.inventory()).machines.filter(
    ({ template, name }) => template && name.startsWith(format.split('/')[0]!),
  )
  assert.equal(templates.length, 1, JSON.stringify(templates))
  assert.deepEqual(
    templates[0]!.disks.map(({ size_mib }) => size_mib),
    [format === 'qcow2/bare' ? 64 : 4],
  )
}

const oneDown = async ({ admin, demo, vcenter }: Shop, berths: Berth[]): Promise<void> => {
  const [embedded, ec2, vsphere] = berths
  const before = await serverOf(demo, vsphere!.server)
  const seenAt = async (cloud: string) =>
    Date.parse((await admin.must('GET', `/broker/v1/clouds/${cloud}`)).cloud.seen_at)
  const cutAt = Date.now()
  vcenter.cut()
  // What was answered before may still be on its way into a row: until there is no news for a while.
  let lastAnswer = Number.NaN
  for (let seen = 0; seen !== lastAnswer; seen = await seenAt('dc1-vsphere')) {
    lastAnswer = seen
    await new Promise((done) => setTimeout(done, 5_000))
  }
  try {
    for (const { server } of [embedded!, ec2!]) {
      await demo.must('POST', `${NOVA}/${server}/action`, { 'os-stop': null })
      await eventually(
        () => serverOf(demo, server),
        ({ status }) => status === 'SHUTOFF',
      )
      await demo.must('POST', `${NOVA}/${server}/action`, { 'os-start': null })
      await eventually(
        () => serverOf(demo, server),
        ({ status }) => status === 'ACTIVE',
      )
    }
    // Whoever asks need not wait until it is looked at again; the date is exact to a minute.
    await eventually(
      async () => {
        await admin.must('POST', '/broker/v1/clouds/aws-east/check')
        return seenAt('aws-east')
      },
      (at) => at > cutAt,
      120,
    )
    assert.equal(await seenAt('dc1-vsphere'), lastAnswer, 'what is shown of it has the date of its last answer')
    const { servers } = await demo.must('GET', `${NOVA}/detail`)
    assert.equal(servers.length, 3)
    assert.deepEqual(await serverOf(demo, vsphere!.server), before, 'and is what it was')
  } finally {
    vcenter.mend()
  }
  const mended = Date.now()
  // An operator who has mended it need not wait for the breaker.
  await admin.must('POST', '/broker/v1/clouds/dc1-vsphere/check')
  await eventually(
    () => seenAt('dc1-vsphere'),
    (at) => at > mended,
    180,
  )
}

const farewell = async ({ broker, demo, moto, vcsim }: Shop, berths: Berth[]): Promise<void> => {
  for (const each of berths) await leave(demo, each)
  await eventually(
    async () => {
      await broker.cron()
      return [...(await lookAt(moto.url).leftovers()), ...marked(await vcsim.inventory())]
    },
    (left) => left.length === 0,
    90,
  )
}
