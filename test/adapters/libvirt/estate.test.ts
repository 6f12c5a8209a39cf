import { describe, expect, it } from 'vitest'
import type { Mark, ServerSpec } from '../../../adapters/contract.ts'
import { assertRoom } from '../../../adapters/libvirt/compute/place.ts'
import { libvirt } from '../../../adapters/libvirt/index.ts'
import { NAMESPACE, writeNote } from '../../../adapters/libvirt/marks.ts'
import { readOptions } from '../../../adapters/libvirt/options.ts'
import { domainOf } from '../../../adapters/libvirt/records/domain.ts'
import { partName } from '../../../adapters/libvirt/records/volume-name.ts'
import { onHost } from '../../../adapters/libvirt/wire/host.ts'
import { KEPT } from '../../../adapters/libvirt/wire/procedures.ts'
import { deaf, estate, IDS } from './estate.ts'
import { connection, OPTIONS, surroundings } from './scripted.ts'

const mark: Mark = { deployment: 'd1', project: 'p1', kind: 'server', resource: 'r1', token: 't1', epoch: 9 }
const connected = (deployment = 'd1') => {
  const host = estate()
  const around = surroundings(async () => host.line())
  const linked = connection({ deployment })
  return { host, linked, around, cloud: libvirt.connect(linked, around) }
}

describe('what somebody has on a host', () => {
  it('is seen as servers, with their volumes and ports', async () => {
    const { cloud } = connected()
    const { items, complete } = await cloud.server.list()
    expect(complete).toBe(true)
    expect(items).toEqual([
      {
        id: IDS.web,
        name: 'web',
        health: 'ready',
        zone: 'kvm1',
        power: 'running',
        size: 'custom-1x2048',
        volumes: [
          { id: 'kvm1/fast/data.raw', device: '/dev/vda', root: false },
          { id: 'kvm1/fast/root.qcow2', device: '/dev/vdb', root: true },
        ],
        ports: [
          { id: `${IDS.web}/52:54:00:df:4a:01`, mac: '52:54:00:df:4a:01', addresses: ['192.168.122.10'] },
          { id: `${IDS.web}/52:54:00:df:4a:02`, mac: '52:54:00:df:4a:02', addresses: [] },
        ],
        host: 'kvm1',
      },
      expect.objectContaining({ id: IDS.db, power: 'stopped', size: 'k.tiny', volumes: [], ports: [] }),
    ])
    expect(await cloud.server.get(IDS.web)).toEqual(items[0])
    for (const id of ['kvm1/nonsense', 'kvm1/', 'kvm9/x', `kvm1/${'0'.repeat(8)}-0000-0000-0000-${'0'.repeat(12)}`])
      expect(await cloud.server.get(id), id).toBeNull()
  })

  it('is read as it would have been asked for, and what no spec says is said', async () => {
    const { cloud } = connected()
    const web = await cloud.server.read!(IDS.web)
    expect(web?.spec).toMatchObject({
      boot: { volume: 'kvm1/fast/root.qcow2', arch: 'x86_64' },
      size: { native: 'custom-1x2048', vcpus: 1, ramMiB: 2_048, diskGiB: 0 },
    } satisfies Partial<ServerSpec>)
    expect(web?.spec.ports).toHaveLength(2)
    expect([web?.lost, web?.left]).toEqual([[], ['It has cards on no network, 1 in number, which are no ports.']])
    expect(await cloud.server.read!(IDS.db)).toMatchObject({
      spec: { boot: null },
      left: ['It has disks in no pool, 1 in number, which are no volumes.'],
    })
    expect(await cloud.port!.read!(`${IDS.web}/52:54:00:df:4a:01`)).toMatchObject({
      spec: {
        network: IDS.network,
        addresses: [{ subnet: `${IDS.network}/192.168.122.0/24`, address: '192.168.122.10' }],
      },
    })
    expect(await cloud.port!.read!(`${IDS.web}/52:54:00:df:4a:03`)).toBeNull()
    expect(await cloud.subnet!.read!(`${IDS.network}/192.168.122.0/24`)).toMatchObject({
      spec: { cidr: '192.168.122.0/24', gateway: '192.168.122.1', dhcp: true, network: IDS.network },
    })
  })

  it('has networks, bridges that something is plugged into, and volumes with who holds them', async () => {
    const { cloud } = connected()
    expect((await cloud.network!.list()).items).toEqual([
      { id: IDS.network, name: 'default', health: 'ready' },
      { id: 'kvm1/bridge/br0/42', name: 'br0.42', health: 'ready', segmentationId: 42 },
    ])
    expect(await cloud.network!.get('kvm1/bridge/br0/42')).toMatchObject({ name: 'br0.42' })
    expect(await cloud.network!.get('kvm1/bridge/br9')).toBeNull()
    expect((await cloud.volume!.list()).items).toMatchObject([
      { id: 'kvm1/fast/root.qcow2', sizeGiB: 2, server: IDS.web },
      { id: 'kvm1/fast/data.raw', sizeGiB: 2, server: IDS.web },
    ])
    expect(await cloud.volume!.get('kvm1/fast/nothing')).toBeNull()
    const spec = { server: IDS.web, volume: 'kvm1/fast/data.raw', device: null }
    expect(await cloud.attachment!.find({ ...mark, kind: 'attachment' }, spec)).toMatchObject({ device: '/dev/vda' })
  })

  it('takes room, of which all that was promised is told too', async () => {
    const { cloud } = connected()
    expect(await cloud.zones()).toEqual([
      {
        name: 'kvm1',
        hosts: [{ name: 'kvm1', answers: true }],
        available: true,
        room: { vcpus: [1, 8], ramMiB: [2_048, 16_384], diskGiB: [40, 100] },
        promised: { vcpus: 2, ramMiB: 2_112 },
      },
    ])
    expect(await cloud.check()).toMatchObject({
      reachable: true,
      account: 'rack7-kvm1',
      version: 'libvirt 9.0.0 (QEMU)',
    })
  })
})

describe('a domain that is taken over', () => {
  it('carries our mark in its metadata, keeps what others wrote there, and gives it back', async () => {
    const { cloud, host } = connected()
    const before = await cloud.server.get(IDS.web)
    await cloud.server.mark!(IDS.web, mark)
    await cloud.server.mark!(IDS.web, mark)
    expect(await cloud.server.get(IDS.web)).toEqual({ ...before, mark })
    expect(await cloud.server.find(mark, {} as ServerSpec)).toMatchObject({ id: IDS.web })
    await cloud.server.describe!(IDS.web, { name: 'a <name>', metadata: { role: 'web & more' } })
    await cloud.server.describe!(IDS.web, { name: 'a <name>', metadata: { role: 'web & more' } })
    expect(await cloud.server.get(IDS.web)).toEqual({ ...before, mark, name: 'a <name>' })
    await cloud.server.mark!(IDS.web, null)
    expect(await cloud.server.get(IDS.web)).toEqual(before)
    // Running, so both what runs and what is kept: 3.
    expect(host.done).toEqual(Array(3).fill('DOMAIN_SET_METADATA web 3'))
  })

  it('is rescued once it is defined with another disk, whatever was noted before', async () => {
    const { cloud, host } = connected()
    host.noted('db', { mark, host: 'kvm1', rescued: { token: 'r1', target: 'vda', disk: '' } })
    expect((await cloud.server.get(IDS.db))?.rescued).toBeUndefined()
    const name = partName(mark, 'rescue', { host: 'kvm1', pool: 'fast' })
    const xml = `<disk type='volume'><source pool='fast' volume='${name}'/><target dev='vdb'/></disk>`
    host.disks.set(name, { uuid: host.uuids.db, xml, flags: KEPT })
    expect(await cloud.server.get(IDS.db)).toMatchObject({ rescued: true })
    await expect(cloud.server.mark!(IDS.db, null)).rejects.toMatchObject({ code: 'conflict' })
    host.disks.clear()
    await cloud.server.mark!(IDS.db, null)
    expect((await cloud.server.get(IDS.db))?.mark).toBeUndefined()
  })

  it('is left in peace while its host is busy with it, for as long as it may take to shut down', async () => {
    const host = estate()
    let now = 1_000_000
    const around = { ...surroundings(async () => host.line()), now: () => now }
    const { server } = libvirt.connect(connection(), around)
    await server.mark!(IDS.web, mark)
    host.powers.set(host.uuids.web, 4)
    host.done.length = 0
    await server.stop(IDS.web)
    now += 50_000
    await server.stop(IDS.web)
    expect(host.done).toEqual([])
    now += 20_000
    await server.stop(IDS.web)
    expect(host.done).toEqual(['DOMAIN_DESTROY_FLAGS web'])
  })

  it('is not ours as a copy that somebody made of one of ours', async () => {
    const { cloud, host } = connected()
    await cloud.server.mark!(IDS.db, mark)
    host.notes.set(host.uuids.web, host.notes.get(host.uuids.db)!)
    expect((await cloud.server.list()).items.filter((each) => each.mark).map(({ id }) => id)).toEqual([IDS.db])
    await expect(cloud.server.remove(IDS.web, mark)).rejects.toMatchObject({ code: 'definitive' })
  })

  it('is ours where what is kept of it says so, though it woke up without', async () => {
    const { cloud, host } = connected()
    await cloud.server.mark!(IDS.web, mark)
    host.behind.add(host.uuids.web)
    expect(await cloud.server.get(IDS.web)).toMatchObject({ mark })
  })

  it('stays while the pool is not started in which its disk is, whichever pool the operator names today', async () => {
    const { cloud, host } = connected()
    const made = { size: 'k.tiny', image: '*/x', configDrive: false, pool: 'slow' }
    const note = writeNote({ mark, host: 'kvm1', made }, host.uuids.db)
    host.notes.set(host.uuids.db, note.replace('<server>', `<server xmlns="${NAMESPACE}">`))
    host.pools.push({ name: 'slow', uuid: host.uuids.web })
    host.asleep.add('slow')
    await expect(cloud.server.remove(IDS.db, mark)).rejects.toMatchObject({ code: 'conflict' })
    expect(host.done).toEqual([])
    host.asleep.clear()
    await cloud.server.remove(IDS.db, mark)
    expect(host.done).toEqual(['DOMAIN_UNDEFINE_FLAGS db'])
  })

  it('takes room from who is placed beside it, and none from itself', async () => {
    const { linked, around, cloud } = connected()
    const context = { connection: linked, surroundings: around, options: readOptions(OPTIONS).options }
    const room = (ramMiB: number) =>
      onHost(context, context.options.hosts[0]!, async (host) => {
        const own = (await domainOf(host, IDS.web.slice('kvm1/'.length)))!
        return assertRoom(context, host, { ...own, ramMiB })
      })
    const whole = 16 * 1024 - context.options.reservedRamMiB
    await room(whole)
    await expect(room(whole + 1)).rejects.toMatchObject({ code: 'capacity' })
    await cloud.server.mark!(IDS.db, mark)
    await expect(room(whole)).rejects.toMatchObject({ code: 'capacity' })
    await room(whole - 64)
  })

  it('is stopped by its power button, and cut off when it did not listen', async () => {
    const host = estate()
    let now = 1_000_000
    const around = { ...surroundings(async () => host.line()), now: () => now }
    const { server } = libvirt.connect(connection(), around)
    await server.mark!(IDS.web, mark)
    host.done.length = 0
    await server.stop(IDS.web)
    await server.stop(IDS.web)
    now += 61_000
    await server.stop(IDS.web)
    await server.stop(IDS.web)
    await server.start(IDS.web)
    await server.start(IDS.web)
    await server.reboot(IDS.web, true)
    expect(host.done).toEqual([
      'DOMAIN_SHUTDOWN_FLAGS web',
      'DOMAIN_DESTROY_FLAGS web',
      'DOMAIN_CREATE web',
      'DOMAIN_RESET web',
    ])
  })

  it('tells what it has used while it runs, to whoever looks at it too', async () => {
    const { cloud, host } = connected()
    const { server } = cloud
    const { memory, cpus, disks, cards, ...by } = await server.diagnose!(IDS.web)
    expect(by).toEqual({ driver: 'libvirt', hypervisor: 'kvm' })
    expect(memory).toEqual({ maximumKiB: 131_072, told: { current: 65_536, rss: 90_000 } })
    expect(cpus).toEqual([{ id: 0, time: 7_000_000_000 }])
    expect(disks).toEqual([
      { name: 'sda', reads: 0, readBytes: 0, writes: 0, writtenBytes: 0 },
      { name: 'vda', reads: 5, readBytes: 0, writes: 0, writtenBytes: 512 },
    ])
    expect(cards).toMatchObject([
      { name: 'vnet7', mac: '52:54:00:DF:4A:01', received: { octets: 90, packets: 1 }, sent: { dropped: 3 } },
    ])
    expect(host.done).toEqual(['CONNECT_GET_ALL_DOMAIN_STATS web 60'])
    await expect(server.diagnose!(IDS.db)).rejects.toMatchObject({ code: 'conflict' })
    await expect(server.diagnose!('kvm1/nothing')).rejects.toMatchObject({ code: 'not_found' })
  })

  describe('is started anew, softly,', () => {
    const rebooting = async () => {
      const host = estate()
      const clock = { now: 1_000_000 }
      const around = { ...surroundings(async () => host.line()), now: () => clock.now }
      const { server } = libvirt.connect(connection(), around)
      await server.mark!(IDS.web, mark)
      host.done.length = 0
      return { host, clock, step: (token = 'r1') => server.restart!(IDS.web, token) }
    }

    it('once its guest has shut down', async () => {
      const { host, step } = await rebooting()
      expect([await step(), await step()]).toEqual(['going', 'going'])
      host.powers.set(host.uuids.web, 5)
      expect([await step(), await step(), await step()]).toEqual(['going', 'done', 'done'])
      expect(host.done).toEqual(['DOMAIN_SHUTDOWN_FLAGS web', 'DOMAIN_CREATE web'])
      expect(await step('r2')).toBe('going')
      expect(host.done.at(-1)).toBe('DOMAIN_SHUTDOWN_FLAGS web')
    })

    it('by its power where the guest does not listen for a minute', async () => {
      const { host, clock, step } = await rebooting()
      await step()
      clock.now += 59_000
      await step()
      expect(host.done).toEqual(['DOMAIN_SHUTDOWN_FLAGS web'])
      clock.now += 2_000
      expect([await step(), await step(), await step()]).toEqual(['going', 'going', 'done'])
      expect(host.done).toEqual(['DOMAIN_SHUTDOWN_FLAGS web', 'DOMAIN_DESTROY_FLAGS web', 'DOMAIN_CREATE web'])
    })

    it('at once where it is paused, and hears nothing; and by whoever starts it meanwhile', async () => {
      const { host, step } = await rebooting()
      host.powers.set(host.uuids.web, 3)
      await step()
      expect(host.done).toEqual(['DOMAIN_DESTROY_FLAGS web'])
      await step('r2')
      expect([await step('r2'), host.done.length]).toEqual(['done', 2])
    })
  })

  it('is asked again by its power button once it was started, by whomever, since', async () => {
    const { cloud, host } = connected()
    const { server } = cloud
    await server.mark!(IDS.web, mark)
    host.done.length = 0
    const goesOff = () => host.powers.set(host.uuids.web, 5)
    await server.stop(IDS.web)
    goesOff()
    await server.start(IDS.web)
    await server.stop(IDS.web)
    await server.reboot(IDS.web, true)
    await server.stop(IDS.web)
    goesOff()
    await server.stop(IDS.web)
    host.powers.set(host.uuids.web, 1)
    await server.stop(IDS.web)
    expect(host.done).toEqual([
      'DOMAIN_SHUTDOWN_FLAGS web',
      'DOMAIN_CREATE web',
      'DOMAIN_SHUTDOWN_FLAGS web',
      'DOMAIN_RESET web',
      'DOMAIN_SHUTDOWN_FLAGS web',
      'DOMAIN_SHUTDOWN_FLAGS web',
    ])
  })

  it('is not ours on a host to which somebody migrated it, until it is taken over there', async () => {
    const host = estate()
    const hosts = ['kvm1', 'kvm2'].map((name) => ({ name, uri: `qemu+tls://${name}.example/system` }))
    const { server } = libvirt.connect(
      connection({ options: { ...OPTIONS, hosts } }),
      surroundings(async () => host.line()),
    )
    const there = IDS.web.replace('kvm1/', 'kvm2/')
    await server.mark!(IDS.web, mark)
    expect((await server.list()).items.filter((each) => each.mark).map(({ id }) => id)).toEqual([IDS.web])
    await expect(server.remove(there, mark)).rejects.toMatchObject({ code: 'definitive' })
    await expect(server.stop(there)).rejects.toMatchObject({ code: 'definitive' })
    await server.mark!(there, { ...mark, token: 't2' })
    expect(await server.get(there)).toMatchObject({ mark: { token: 't2' } })
    expect((await server.get(IDS.web))?.mark).toBeUndefined()
    expect(host.done).toEqual(Array(2).fill('DOMAIN_SET_METADATA web 3'))
  })

  it("is nobody's to touch without our mark, or with another's", async () => {
    const { cloud, host } = connected()
    const { server } = cloud
    for (const call of [
      () => server.stop(IDS.web),
      () => server.reboot(IDS.web, true),
      () => server.pause!(IDS.web),
      () => server.remove(IDS.web, mark),
      () => server.describe!(IDS.web, { name: 'x', metadata: {} }),
    ])
      await expect(call()).rejects.toMatchObject({ code: 'definitive' })
    await server.mark!(IDS.web, mark)
    await expect(server.remove(IDS.web, { ...mark, resource: 'r2' })).rejects.toMatchObject({ code: 'definitive' })
    expect(host.done).toEqual(['DOMAIN_SET_METADATA web 3'])
    await server.remove(IDS.web, mark)
    expect(host.done.slice(1)).toEqual(['DOMAIN_DESTROY_FLAGS web', 'DOMAIN_UNDEFINE_FLAGS web'])
  })

  it('sells the sizes of its operator, and makes none of another', async () => {
    const { cloud } = connected()
    expect(await cloud.offers()).toMatchObject([{ name: 'k.tiny', zones: ['kvm1'] }])
    const spec = { size: { native: 'k.huge', vcpus: 64, ramMiB: 64, diskGiB: 0 }, fork: null } as ServerSpec
    await expect(cloud.server.create(spec, mark)).rejects.toMatchObject({ code: 'definitive' })
  })

  it('has no place for images and servers where its only pool is none of files', async () => {
    const { cloud } = connected()
    const spec = { name: 'i', source: { kind: 'server' as const, id: IDS.web } }
    await expect(cloud.image.list()).rejects.toMatchObject({
      detail: { operatorMessage: expect.stringMatching(/of files/) },
    })
    await expect(cloud.image.create(spec, { ...mark, kind: 'image' })).rejects.toMatchObject({ code: 'definitive' })
  })
})

describe('a host that does not answer', () => {
  const two = connection({
    options: {
      ...OPTIONS,
      hosts: [...OPTIONS.hosts, { name: 'kvm2', uri: 'qemu+tls://kvm2.example/system', zone: 'b' }],
    },
  })

  it('spoils nothing of the others: what is missing is not gone', async () => {
    const host = estate()
    const cloud = libvirt.connect(
      two,
      surroundings(async (to) => (to.kind === 'tls' && to.host === 'kvm1.example' ? host.line() : deaf())),
    )
    const { items, complete } = await cloud.server.list()
    expect([items.length, complete]).toEqual([2, false])
    expect(await cloud.zones()).toMatchObject([
      { name: 'kvm1', available: true },
      { name: 'b', available: false },
    ])
    await expect(cloud.server.get('kvm2/x')).rejects.toMatchObject({ code: 'ambiguous' })
    const asked = { zone: 'b' } as ServerSpec
    await expect(cloud.server.find(mark, asked)).rejects.toMatchObject({ code: 'ambiguous' })
    expect(await cloud.server.find(mark, { ...asked, zone: 'kvm1' })).toBeNull()
    expect((await cloud.check()).warnings).toEqual([
      expect.stringContaining('of files'),
      expect.stringContaining('host kvm2'),
    ])
  })

  const alert = (code: string) => Object.assign(new Error('an alert of TLS'), { code })
  it.each<[string, () => Promise<Uint8Array | null>, string]>([
    ['says no', async () => Uint8Array.of(0), 'denied'],
    ['misses a certificate', () => Promise.reject(alert('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED')), 'denied'],
    ['knows no such authority', () => Promise.reject(alert('ERR_SSL_TLSV1_ALERT_UNKNOWN_CA')), 'denied'],
    ['has trouble of its own', () => Promise.reject(alert('ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR')), 'ambiguous'],
    ['resets the line', () => Promise.reject(alert('ECONNRESET')), 'ambiguous'],
    ['hangs up, as it also does when it restarts', async () => null, 'ambiguous'],
  ])('that %s has not let us in, and is denied only where that is what it says', async (_, receive, code) => {
    const line = { send() {}, receive, close() {} }
    const { server } = libvirt.connect(
      connection(),
      surroundings(async () => line),
    )
    await expect(server.list()).rejects.toMatchObject({ code })
  })

  it('is hung up on where the line stands only once its time is over', async () => {
    const { line } = estate()
    const closed: string[] = []
    const around = surroundings(async () => {
      await new Promise((resolve) => AbortSignal.timeout(30).addEventListener('abort', resolve))
      return { ...line(), close: () => void closed.push('closed') }
    })
    const { server } = libvirt.connect(connection(), { ...around, timeoutMs: 5 })
    await expect(server.list()).rejects.toMatchObject({ code: 'ambiguous' })
    expect(closed).toEqual(['closed'])
  })

  it('is the cloud that does not answer, where all are so', async () => {
    const cloud = libvirt.connect(two, surroundings(deaf))
    await expect(cloud.server.list()).rejects.toMatchObject({ code: 'ambiguous' })
    expect((await cloud.check()).reachable).toBe(false)
  })
})
