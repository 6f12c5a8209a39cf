import type { Line } from '../../../adapters/contract.ts'
import { NAMESPACE, type Note, writeNote } from '../../../adapters/libvirt/marks.ts'
import * as calls from '../../../adapters/libvirt/wire/procedures.ts'
import { accepting, Mute, type Play, plays, Said, scripted } from './scripted.ts'
import { wiring } from './wiring.ts'

const WEB = 'ab9a9070-9fe1-49da-9cbd-2243b39ef98e'
const DB = '0b9a9070-9fe1-49da-9cbd-2243b39ef98e'
const NET = 'd0f16c62-6076-49cb-bea2-371941a3d014'
export const IDS = { web: `kvm1/${WEB}`, db: `kvm1/${DB}`, network: `kvm1/network/${NET}` }

/** A host with two domains, as somebody made them long ago. What is done to it is noted, and marks stay. */
export const estate = () => {
  const notes = new Map<string, string>()
  /** Domains that run by a definition from before they were noted anything. */
  const behind = new Set<string>()
  const done: string[] = []
  const powers = new Map([
    [WEB, 1],
    [DB, 5],
  ])
  const web = { name: 'web', uuid: WEB, id: 7 }
  const db = { name: 'db', uuid: DB, id: -1 }
  const domains = [web, db]
  /** Each start of a domain has the next number. */
  let lives = 7
  const known = (uuid: string) =>
    domains.find((each) => each.uuid === uuid) ??
    (() => {
      throw new Said(42, 'Domain not found')
    })()
  const xmlOf = (uuid: string, kept: boolean): string =>
    uuid === WEB
      ? `<domain type='kvm' id='7'><name>web</name><uuid>${WEB}</uuid><metadata>
          <libosinfo:libosinfo xmlns:libosinfo="http://libosinfo.org/xmlns/libvirt/domain/1.0"/>${(kept || !behind.has(WEB)) && notes.has(WEB) ? notes.get(WEB) : ''}</metadata>
          <memory unit='MiB'>2048</memory><vcpu current='1'>4</vcpu><os><type arch='x86_64'>hvm</type></os><devices>
          <disk type='file' device='cdrom'><source file='/iso/debian.iso'/><target dev='sda'/></disk>
          <disk type='file' device='disk'><source file='/pool/data.raw'/>${chain.join('')}<target dev='vda'/></disk>
          <disk type='volume' device='disk'><driver name='qemu' type='qcow2'/><source pool='fast' volume='root.qcow2'/><target dev='vdb'/><boot order='1'/></disk>
          ${disksOf(WEB)}
          <interface type='network'><mac address='52:54:00:DF:4A:01'/><source network='default'/><target dev='vnet7'/></interface>
          <interface type='bridge'><mac address='52:54:00:df:4a:02'/><source bridge='br0'/><vlan><tag id='42'/></vlan></interface>
          <interface type='user'><mac address='52:54:00:df:4a:03'/></interface></devices></domain>`
      : `<domain type='kvm'><name>db</name><uuid>${DB}</uuid>${notes.has(DB) ? `<metadata>${notes.get(DB)}</metadata>` : ''}
          <memory unit='KiB'>65536</memory><vcpu>1</vcpu><os><type arch='aarch64'>hvm</type></os><devices>
          <disk type='block' device='disk'><source dev='/dev/elsewhere'/><target dev='vda'/></disk>
          ${disksOf(DB)}</devices></domain>`
  const volumes = [
    { pool: 'fast', name: 'root.qcow2', key: '/pool/root.qcow2' },
    { pool: 'fast', name: 'data.raw', key: '/pool/data.raw' },
  ]
  const sizes = new Map<string, number>()
  /** Volumes that were made, in the words in which they were asked for. */
  const created: string[] = []
  const modes = new Map<string, string>()
  /** What becomes of a copy that is asked for. */
  const agent = { hears: true, fails: '', thaws: true, hangs: false, patience: 0, passwords: [] as string[] }
  const copying = { fails: '', interrupted: false, goesOn: false }
  /** Where the disks that were put into web go besides. */
  const mirror = { path: '', ready: false }
  /** What a pool finds in the bytes of volumes, where that is an image. */
  const images = new Map<string, { format: string; backing?: string }>()
  const imageIn = (name: string): string => {
    const { format = 'raw', backing } = images.get(name) ?? {}
    const below = backing ? `<backingStore><path>${backing}</path></backingStore>` : ''
    return `<format type='${format}'/></target>${below}`
  }
  /** On what the first disk of web stands, as XML. */
  const chain: string[] = []
  /** Disks that were put into a domain since, by the names of their volumes: in what runs, in what is kept, or in both. */
  const disks = new Map<string, { uuid: string; xml: string; flags: number }>()
  const cards = new Map<string, { uuid: string; xml: string; flags: number }>()
  const disksOf = (uuid: string): string =>
    [...disks.values(), ...cards.values()]
      .filter((disk) => disk.uuid === uuid && disk.flags & (uuid === WEB ? calls.LIVE : calls.KEPT))
      .map(({ xml }) => (mirror.path ? xml.replace('</disk>', `${mirrorXml()}</disk>`) : xml))
      .join('')
  const mirrorXml = () =>
    `<mirror type='file' job='copy'${mirror.ready ? " ready='yes'" : ''}><source file='${mirror.path}'/></mirror>`
  const guest = { holdsOn: false }
  /** What a domain has used, in libvirt's words. */
  const counted: Record<string, number | string> = {
    ...{ 'balloon.current': 65_536, 'balloon.maximum': 131_072, 'balloon.rss': 90_000 },
    ...{ 'vcpu.current': 1, 'vcpu.maximum': 1, 'vcpu.0.state': 1, 'vcpu.0.time': 7_000_000_000 },
    ...{ 'net.count': 1, 'net.0.name': 'vnet7', 'net.0.rx.bytes': 90, 'net.0.rx.pkts': 1, 'net.0.tx.drop': 3 },
    ...{
      'block.count': 2,
      'block.0.name': 'sda',
      'block.1.name': 'vda',
      'block.1.rd.reqs': 5,
      'block.1.wr.bytes': 512,
    },
  }
  const store = { type: 'logical', full: false }
  const pool = { name: 'fast', uuid: '1b9a9070-9fe1-49da-9cbd-2243b39ef98e' }
  const pools = [pool]
  /** Names of pools that are not started. */
  const asleep = new Set<string>()
  const power = (call: calls.Procedure<{ domain: calls.DomainRef; flags: number }, null>, state: number): Play =>
    plays(call, ({ domain }) => {
      done.push(`${call.name} ${domain.name}`)
      powers.set(domain.uuid, state)
      return null
    })
  const wired = wiring([
    {
      name: 'default',
      uuid: NET,
      xml: `<network><name>default</name><ip address='192.168.122.1' netmask='255.255.255.0'><dhcp>
        <host mac='52:54:00:df:4a:01' ip='192.168.122.10'/></dhcp></ip></network>`,
    },
  ])
  const script: Play[] = [
    plays(calls.AUTH_LIST, () => ({ types: [0] })),
    plays(calls.OPEN, () => null),
    plays(calls.GET_HOSTNAME, () => ({ hostname: 'rack7-kvm1' })),
    plays(calls.GET_TYPE, () => ({ type: 'QEMU' })),
    plays(calls.GET_LIB_VERSION, () => ({ version: 9_000_000 })),
    plays(calls.GET_NODE_INFO, () => ({
      model: new Uint8Array(128).fill(65),
      memoryKiB: 4 * 2 ** 20,
      cpus: 8,
      mhz: 2_400,
      nodes: 2,
      sockets: 1,
      cores: 4,
      threads: 1,
    })),
    plays(calls.GET_MEMORY_STATS, () => ({ stats: [{ field: 'total', value: 16 * 2 ** 20 }], count: 1 })),
    plays(calls.LIST_DOMAINS, () => ({ items: domains, count: domains.length })),
    plays(calls.FIND_DOMAIN, ({ uuid }) => ({ domain: known(uuid) })),
    plays(calls.DOMAIN_XML, ({ domain, flags }) => ({ xml: xmlOf(domain.uuid, (flags & 2) > 0) })),
    plays(calls.DOMAIN_STATE, ({ domain }) => ({ state: powers.get(domain.uuid)!, reason: 1 })),
    plays(calls.DOMAIN_STATS, ({ domains: [domain], stats }) => {
      done.push(`CONNECT_GET_ALL_DOMAIN_STATS ${domain!.name} ${stats}`)
      const told = Object.entries(counted).map(([field, value]) => ({ field, value }))
      return { records: [{ domain: domain!, stats: told }] }
    }),
    plays(calls.IS_PERSISTENT, () => ({ persistent: 1 })),
    plays(calls.HAS_SAVED, () => ({ result: 0 })),
    plays(calls.SET_METADATA, ({ domain, metadata, key, uri, flags }) => {
      done.push(`DOMAIN_SET_METADATA ${domain.name} ${flags}`)
      // As libvirt has it: the element in its namespace, whatever it was written with.
      if (metadata === null) notes.delete(domain.uuid)
      else
        notes.set(
          domain.uuid,
          metadata.replaceAll(/<(\/?)(?=\w)/g, `<$1${key}:`).replace('>', ` xmlns:${key}="${uri}">`),
        )
      return null
    }),
    power(calls.SHUT_DOWN, 1),
    power(calls.CUT_POWER, 5),
    power(calls.RESET, 1),
    plays(calls.UNDEFINE, ({ domain }) => {
      done.push(`DOMAIN_UNDEFINE_FLAGS ${domain.name}`)
      domains.splice(
        domains.findIndex(({ uuid }) => uuid === domain.uuid),
        1,
      )
      return null
    }),
    plays(calls.START, ({ domain }) => {
      done.push(`DOMAIN_CREATE ${domain.name}`)
      powers.set(domain.uuid, 1)
      known(domain.uuid).id = ++lives
      return { domain }
    }),
    plays(calls.LIST_POOLS, ({ flags }) => {
      const [active, inactive] = [!(flags & 3) || flags & 2, !(flags & 3) || flags & 1]
      const items = pools.filter(({ name }) => (asleep.has(name) ? inactive : active))
      return { items, count: items.length }
    }),
    plays(calls.POOL_INFO, () => ({ state: 2, capacity: 100 * 2 ** 30, allocation: 2 ** 30, available: 60 * 2 ** 30 })),
    plays(calls.FIND_POOL, () => ({ pool })),
    plays(calls.POOL_XML, () => ({
      xml: `<pool type='${store.type}'><name>fast</name><target><path>/pool</path></target></pool>`,
    })),
    plays(calls.CREATE_VOLUME, ({ xml }) => {
      const name = /<name>(.*?)<\/name>/.exec(xml)?.[1] ?? ''
      const bytes = /<capacity unit="bytes">(\d+)</.exec(xml)?.[1]
      if (store.full) throw new Said(38, 'No space left on device')
      if (volumes.some((each) => each.name === name)) throw new Said(90, 'volume exists already')
      const format = /format type="(\w+)"/.exec(xml)?.[1] ?? 'raw'
      done.push(`STORAGE_VOL_CREATE_XML ${format}`)
      created.push(xml)
      const volume = { pool: 'fast', name, key: `/pool/${name}` }
      volumes.push(volume)
      images.set(name, { format })
      sizes.set(name, Number(bytes))
      return { volume }
    }),
    plays(calls.CREATE_VOLUME_FROM, ({ xml, from }) => {
      const name = /<name>(.*)<\/name>/.exec(xml)?.[1] ?? ''
      done.push(`STORAGE_VOL_CREATE_XML_FROM ${from.name}`)
      if (copying.fails) throw new Said(1, copying.fails)
      const volume = { pool: 'fast', name, key: `/pool/${name}` }
      volumes.push(volume)
      images.set(name, { format: 'qcow2' })
      sizes.set(name, sizes.get(from.name) ?? 0)
      modes.set(name, copying.interrupted ? '0644' : '0700')
      if (copying.interrupted) throw new Said(38, 'the host was restarted')
      return { volume }
    }),
    plays(calls.DOWNLOAD, () => {
      if (copying.goesOn) throw new Said(55, 'volume is still being allocated')
      throw new Said(9, 'nothing to read here')
    }),
    plays(calls.SET_AGENT_PATIENCE, ({ seconds }) => {
      agent.patience = seconds
      return { result: 0 }
    }),
    plays(calls.FREEZE, ({ domain, mountpoints }) => {
      done.push(`DOMAIN_FSFREEZE ${[domain.name, ...mountpoints].join(' ')}`)
      if (agent.hangs) throw new Mute()
      if (!agent.hears) throw new Said(86, 'Guest agent is not responding: QEMU guest agent is not connected')
      if (agent.fails) throw new Said(1, agent.fails)
      return { filesystems: 1 }
    }),
    plays(calls.THAW, ({ domain }) => {
      done.push(`DOMAIN_FSTHAW ${domain.name}`)
      if (agent.hangs) throw new Mute()
      if (!agent.thaws) throw new Said(86, 'Guest agent is not responding: QEMU guest agent is not connected')
      return { filesystems: 1 }
    }),
    plays(calls.SET_PASSWORD, ({ user, password }) => {
      if (!agent.hears) throw new Said(86, 'Guest agent is not responding: QEMU guest agent is not connected')
      if (agent.fails) throw new Said(1, agent.fails)
      agent.passwords.push(`${user}: ${password}`)
      return null
    }),
    plays(calls.COPY_DISK, ({ domain, disk, xml }) => {
      done.push(`DOMAIN_BLOCK_COPY ${domain.name} ${disk}`)
      mirror.path = /source file="([^"]*)"/.exec(xml)?.[1] ?? ''
      return null
    }),
    plays(calls.END_COPYING, ({ domain, disk }) => {
      done.push(`DOMAIN_BLOCK_JOB_ABORT ${domain.name} ${disk}`)
      mirror.path = ''
      return null
    }),
    plays(calls.RESIZE_VOLUME, ({ volume, capacity }) => {
      done.push(`STORAGE_VOL_RESIZE ${capacity}`)
      sizes.set(volume.name, capacity)
      return null
    }),
    plays(calls.DELETE_VOLUME, ({ volume }) => {
      done.push(`STORAGE_VOL_DELETE`)
      volumes.splice(
        volumes.findIndex(({ name }) => name === volume.name),
        1,
      )
      return null
    }),
    plays(calls.ATTACH_DEVICE, ({ domain, xml, flags }) => {
      if (xml.startsWith('<interface')) {
        done.push(`DOMAIN_ATTACH_DEVICE_FLAGS ${domain.name} interface ${flags}`)
        cards.set(xml, { uuid: domain.uuid, xml, flags })
        return null
      }
      const [, name = '', target] = /volume="([^"]+)".*target dev="(\w+)"/.exec(xml) ?? []
      done.push(`DOMAIN_ATTACH_DEVICE_FLAGS ${domain.name} ${target} ${flags}`)
      disks.set(name, { uuid: domain.uuid, xml, flags })
      return null
    }),
    plays(calls.DETACH_DEVICE, ({ domain, xml, flags }) => {
      const card = cards.get(xml)
      if (xml.startsWith('<interface')) {
        done.push(`DOMAIN_DETACH_DEVICE_FLAGS ${domain.name} interface ${flags}`)
        if (!card || !(card.flags & flags)) throw new Said(99, 'no device matching MAC address found')
        if (!(flags & calls.LIVE && guest.holdsOn)) card.flags &= ~flags
        if (!card.flags) cards.delete(xml)
        return null
      }
      const [, name = '', target] = /volume="([^"]+)".*target dev="(\w+)"/.exec(xml) ?? []
      done.push(`DOMAIN_DETACH_DEVICE_FLAGS ${domain.name} ${target} ${flags}`)
      const disk = disks.get(name)
      if (!disk || !(disk.flags & flags)) throw new Said(99, `no target device ${target}`)
      if (!(flags & calls.LIVE && guest.holdsOn)) disk.flags &= ~flags
      if (!disk.flags) disks.delete(name)
      return null
    }),
    plays(calls.LIST_VOLUMES, () => ({ items: volumes, count: volumes.length })),
    plays(calls.FIND_VOLUME, ({ name }) => {
      const volume = volumes.find((each) => each.name === name)
      if (!volume) throw new Said(50, 'no storage vol')
      return { volume }
    }),
    plays(calls.FIND_VOLUME_AT, ({ path }) => {
      const volume = volumes.find(({ key }) => key === path)
      if (!volume) throw new Said(50, 'no storage vol with matching path')
      return { volume }
    }),
    plays(calls.VOLUME_XML, ({ volume }) => ({
      xml: `<volume><name>${volume.name}</name><capacity unit='bytes'>${sizes.get(volume.name) ?? 2 ** 30 + 1}</capacity><target><path>${volume.key}</path><permissions><mode>${modes.get(volume.name) ?? '0600'}</mode></permissions>${imageIn(volume.name)}</volume>`,
    })),
    ...wired.script,
  ]
  /** As what a volume was put into a domain. */
  const formatOf = (name: string) => /driver name="qemu" type="(\w+)"/.exec(disks.get(name)?.xml ?? '')?.[1]
  /** Has of a domain what is noted in it. */
  const noted = (name: 'web' | 'db', note: Note) => {
    const uuid = name === 'web' ? WEB : DB
    notes.set(uuid, writeNote(note, uuid).replace('<server>', `<server xmlns="${NAMESPACE}">`))
  }
  return {
    done,
    noted,
    notes,
    behind,
    created,
    powers,
    guest,
    wired,
    disks,
    volumes,
    images,
    pools,
    store,
    sizes,
    asleep,
    chain,
    copying,
    agent,
    mirror,
    formatOf,
    uuids: { web: WEB, db: DB },
    /** @param first what is played before all else */
    line: (first: Play[] = []): Line => accepting(scripted([...first, ...script])),
  }
}

/** A host that answers nothing. */
export const deaf = async (): Promise<Line> => {
  throw new Error('connect ECONNREFUSED')
}
