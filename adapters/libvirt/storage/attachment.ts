import type { AttachmentSeen, AttachmentSpec, NativeId, Realm } from '../../contract.ts'
import { CloudError } from '../../errors.ts'
import { assertOurs, foreign } from '../../shared/marks.ts'
import { pairIds, pairRealm } from '../../shared/pair-realm.ts'
import { gone, refuse } from '../../shared/refusals.ts'
import { escapeXml } from '../../shared/xml.ts'
import type { Context } from '../context.ts'
import { detach } from '../records/detach.ts'
import { pageOfPools } from '../records/everywhere.ts'
import { atHostOf, partsOf } from '../records/ids.ts'
import { assertUnused, type Machine, machineOf, machinesOn } from '../records/machine.ts'
import { type Volume, volumeNamed } from '../records/volume.ts'
import { isFromElsewhere, markIn } from '../records/volume-name.ts'
import type { Host } from '../wire/host.ts'
import { ATTACH_DEVICE, impactOn } from '../wire/procedures.ts'
import { forgetFormat, formatOf, keepFormats } from './format.ts'

/** Ids of servers and of volumes have slashes in them, those of servers no blank. */
const { idOf, endsOf } = pairIds(' ')

const seenIn = ({ id: server, disks }: Machine): AttachmentSeen[] =>
  disks.flatMap(({ id, target }) =>
    id === null ? [] : [{ id: idOf(server, id), health: 'ready' as const, device: `/dev/${target}` }],
  )

const machine = async (context: Context, server: NativeId): Promise<Machine | null> => {
  const [uuid = ''] = partsOf(server, 1)
  return atHostOf(context, server, (host) => machineOf(host, uuid))
}

/** Volumes are disks of virtio; what a server boots from may be the first of these. */
const DEVICES = [...'bcdefghijklmnopqrstuvwxyz'].map((letter) => `/dev/vd${letter}`)

/** What a volume is called beside others. A wish that is none of these, or taken, is a wish only, as in Nova. */
export const deviceNamed = (wish: string | null, taken: string[]): string | null => {
  const free = DEVICES.filter((device) => !taken.includes(device))
  return free.find((device) => device === wish) ?? free[0] ?? null
}

/** The disk of virtio that a volume becomes: none that the domain has a drive as, be it of whomever. */
const freeTarget = ({ domain }: Machine, wish: string | null): string => {
  const taken = domain.targets.map((target) => `/dev/${target}`)
  const device = deviceNamed(wish, taken) ?? refuse('The server has as many volumes as it can have.')
  return device.slice('/dev/'.length)
}

const diskXml = (target: string, { ref }: Volume, format: string): string =>
  `<disk type="volume" device="disk"><driver name="qemu" type="${escapeXml(format)}"/><source pool="${escapeXml(ref.pool)}" volume="${escapeXml(ref.name)}"/><target dev="${escapeXml(target)}" bus="virtio"/></disk>`

/** The volume as it goes into a server of its own host; null: it is in. @throws `conflict` while another one has it */
const freeVolume = async (
  context: Context,
  host: Host,
  { server, volume }: AttachmentSpec,
  machines: Machine[],
): Promise<{ volume: Volume; format: string } | null> => {
  if (volume.split('/', 1)[0] !== host.name) refuse('The volume is on another host than the server.')
  const [pool = '', name = ''] = partsOf(volume, 2)
  const found = await volumeNamed(host, pool, name)
  if (!found) throw gone(volume)
  // One that was adopted has the name that its owner gave it.
  const place = { host: host.name, pool }
  if (isFromElsewhere(name, place)) refuse('The volume was made on another host, or in another pool.')
  const mark = markIn(name, place)
  if (mark && mark.deployment !== context.connection.deployment) throw foreign(mark, context.connection)
  const holder = machines.find(({ disks }) => disks.some((disk) => disk.id === volume))
  if (holder?.id === server) return null
  if (holder) throw new CloudError('conflict', 'The volume is attached to another server.')
  await assertUnused(host, found, machines)
  return { volume: found, format: await formatOf(context, host, volume, found, mark) }
}

/** A volume in a server: a disk of a domain that is a volume of a pool. It comes while the domain runs, and when it does not. */
export const attachment = (context: Context): Realm<AttachmentSpec, AttachmentSeen> => {
  const { connection, options } = context
  const realm: Realm<AttachmentSpec, AttachmentSeen> = pairRealm<AttachmentSpec, AttachmentSeen, Machine>({
    settleMs: options.settleMs,
    idOf: ({ server, volume }) => idOf(server, volume),
    raw: (id) => machine(context, endsOf(id).server),
    seenIn,
    page: () => pageOfPools(context, machinesOn),
    async join(spec, id) {
      const present = await realm.get(id)
      if (present) return present
      if (spec.boot) throw new CloudError('conflict', 'The server does not boot from the volume yet.')
      await atHostOf(context, spec.server, async (host) => {
        const machines = await machinesOn(host)
        const own = machines.find((each) => each.id === spec.server)
        if (!own) throw gone(spec.server)
        assertOurs(own.domain.note?.mark, connection.deployment)
        const free = await freeVolume(context, host, spec, machines)
        if (!free) return
        const { ref: domain } = own.domain
        const xml = diskXml(freeTarget(own, spec.device), free.volume, free.format)
        await host.call(ATTACH_DEVICE, { domain, xml, flags: impactOn(domain) })
        await forgetFormat(context, spec.volume)
      })
      return (await realm.get(id)) ?? { id, health: 'pending', device: null }
    },
    async part({ id: server, domain: { ref, note }, disks }, id) {
      assertOurs(note?.mark, connection.deployment)
      const { other } = endsOf(id)
      const disk = disks.find((each) => each.id === other)
      if (disk?.root) refuse('The server boots from the volume.')
      await atHostOf(context, server, async (host) => {
        const [pool = '', name = ''] = partsOf(other, 2)
        const volume = await volumeNamed(host, pool, name)
        if (!disk || !volume) return
        const xml = diskXml(disk.target, volume, disk.format)
        await keepFormats(context, [disk])
        await detach(host, ref, xml)
      })
    },
  })
  return realm
}
