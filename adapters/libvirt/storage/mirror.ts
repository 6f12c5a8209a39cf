import { child, childrenOf, escapeXml, parseXml } from '../../shared/xml.ts'
import type { Agent } from '../marks.ts'
import { domainsOn } from '../records/domain.ts'
import type { Host } from '../wire/host.ts'
import { COPY_DISK, DOMAIN_XML, type DomainRef, END_COPYING } from '../wire/procedures.ts'

/*
 * What a machine that runs has in a disk, it copies itself: while it goes on, all that is there and all that it writes goes
 * into a second place too, until that is told to end. What is in the second place then is the disk as it was at that moment.
 */

/** A disk of a machine that runs. */
export interface LiveDisk {
  domain: DomainRef
  /** As libvirt calls it, e.g. `vda`. */
  target: string
  /** Whether its guest is asked to hold still for the end of a copy. */
  quiesce?: Agent['quiesce']
}

/** Where a disk goes besides, and whether all of it is there; null: nowhere. */
export const mirrorOf = async (
  host: Host,
  { domain, target }: LiveDisk,
): Promise<{ path: string; ready: boolean } | null> => {
  const { xml } = await host.call(DOMAIN_XML, { domain, flags: 0 })
  const disks = childrenOf(child(parseXml(xml), 'devices'), 'disk')
  const disk = disks.find((each) => child(each, 'target')?.attributes.get('dev') === target)
  const mirror = disk && child(disk, 'mirror')
  if (!mirror) return null
  const path = child(mirror, 'source')?.attributes.get('file') ?? mirror.attributes.get('file') ?? ''
  return { path, ready: mirror.attributes.get('ready') === 'yes' }
}

/** VIR_DOMAIN_BLOCK_COPY_REUSE_EXT and _TRANSIENT_JOB: into what is there, and not over a crash of the machine. */
const INTO = 2 | 4

/** @param path of an empty qcow2 file as large as the disk */
export const startMirror = (host: Host, { domain, target }: LiveDisk, path: string): Promise<unknown> =>
  host.call(COPY_DISK, {
    domain,
    disk: target,
    xml: `<disk type="file"><driver type="qcow2"/><source file="${escapeXml(path)}"/></disk>`,
    params: [],
    flags: INTO,
  })

/** The machine goes on with its disk alone. */
export const endMirror = (host: Host, { domain, target }: LiveDisk): Promise<unknown> =>
  host.call(END_COPYING, { domain, disk: target, flags: 0 })

/** No machine copies a disk to that path any more. */
export const endMirrorsInto = async (host: Host, path: string): Promise<void> => {
  for (const { ref: domain, paths, targets } of await domainsOn(host)) {
    if (domain.id < 0 || !paths.includes(path)) continue
    for (const target of targets)
      if ((await mirrorOf(host, { domain, target }))?.path === path) await endMirror(host, { domain, target })
  }
}
