import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inventoryOf } from '../../../adapters/vsphere/inventory.ts'
import { connection, contextOf, OPTIONS, surroundings } from '../../peers/vsphere/cloud.ts'
import { launch } from '../../peers/vsphere/launch.ts'
import { openBroker } from '../broker.ts'
import { Bare } from './bare.ts'
import { measureCreates } from './creates.ts'
import { settle } from './estate.ts'
import { measureSweeps } from './sweeps.ts'
import { Wire } from './wire.ts'

/** In a process of its own, with the garbage collector at hand: `run.ts MACHINES SWEEPS CREATES`. Sends what it measured to its parent. */
const [machines, sweeps, creates] = process.argv.slice(2).map(Number) as [number, number, number]
/** Resource pools of the simulator's model. */
const POOLS = 2
const SIZES = [{ name: 'vs.small', vcpus: 1, ram_mib: 2048, disk_gib: 20 }]

const folder = mkdtempSync(join(tmpdir(), 'plimsoll-vsphere-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
const vcsim = await launch({ machines: machines / POOLS })
const wire = new Wire()
const broker = await openBroker(
  folder,
  { fetch: wire.fetch },
  {
    ...{ name: 'vcenter', type: 'vsphere', endpoint: vcsim.url, credentials: connection(vcsim.url).credentials },
    options: { ...OPTIONS, sizes: SIZES, allow_private: true },
  },
)
const ours = await settle(broker, vcsim.url)

const bare = new Bare(vcsim.url, wire.fetch)
const { credentials } = connection(vcsim.url)
await bare.logIn(credentials.username!, credentials.password!)
const { datacenter, clusters } = await inventoryOf(contextOf(connection(vcsim.url), surroundings(fetch)))
const where = {
  folder: datacenter.vmFolder.id,
  pool: clusters.find(({ name }) => name === 'DC0_C0')!.pool.id,
  template: (await vcsim.inventory()).machines.find(({ template }) => template)!.id,
}

const measured = {
  ours,
  sweeps: await measureSweeps(broker, wire, bare, where.folder, ours, sweeps),
  creates: await measureCreates(broker, wire, bare, where, creates),
}
export type Measured = typeof measured
process.send!(measured)
await broker.close()
await vcsim.stop()
process.exit(0)
