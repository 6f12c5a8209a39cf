import { CloudError } from '../../errors.ts'
import { parseXml, textOf } from '../../shared/xml.ts'
import { poolNamed } from '../records/volume.ts'
import type { Host } from '../wire/host.ts'
import { POOL_XML, type PoolRef } from '../wire/procedures.ts'
import { formatIn } from './format.ts'

/** What an operator has to set right before anything can be made. */
const misplaced = (operatorMessage: string): CloudError =>
  new CloudError('definitive', 'The cloud is not configured properly.', { operatorMessage })

/** The pool of the operator's choice, or (null) the only one that there is. @throws `definitive` where there is none */
export const poolOn = async (host: Host, wanted: string | null): Promise<{ ref: PoolRef; type: string }> => {
  const pool = await poolNamed(host, wanted)
  if (pool) return pool
  throw misplaced(
    wanted === null
      ? `Host ${host.name} has not exactly one pool that is started: option pool says which one volumes go to.`
      : `Host ${host.name} has no pool ${wanted} that is started.`,
  )
}

/** The same, for what has to be files: images, and the disks that stand on them. */
export const filesOn = async (host: Host, wanted: string | null): Promise<{ ref: PoolRef; folder: string }> => {
  const { ref, type } = await poolOn(host, wanted)
  const { xml } = await host.call(POOL_XML, { pool: ref, flags: 0 })
  const folder = textOf(parseXml(xml), 'target', 'path')
  if (formatIn(type) === 'qcow2' && folder) return { ref, folder }
  throw misplaced(
    `Pool ${ref.name} of host ${host.name} is of type ${type}: images and servers need one of files, as dir or netfs is.`,
  )
}
