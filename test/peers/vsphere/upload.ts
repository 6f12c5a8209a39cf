import assert from 'node:assert/strict'
import { type ImageSeen, isTask, type Mark, type Outcome } from '../../../adapters/contract.ts'
import { CloudError } from '../../../adapters/errors.ts'
import { vsphere } from '../../../adapters/vsphere/index.ts'
import type { Workshop } from '../../adapters/cases.ts'
import { ova, streamOptimized } from '../../adapters/vsphere/disk-image.ts'
import { surroundings, type vsphereCloud } from './cloud.ts'

export type World = Awaited<ReturnType<typeof vsphereCloud>>
export type Step = (title: string, run: (shop: Workshop) => Promise<void>) => Promise<void>

export const MIB = 16
/** Longer than a holder of an upload may stand still before it is believed dead. */
export const DEAD_MS = 400_000

const dataOf = async (world: World, format: 'vmdk/bare' | 'vmdk/ova', bytes?: Uint8Array<ArrayBuffer>) => {
  const disk = await streamOptimized(MIB, 'a disk of the tests')
  const data = bytes ?? (format === 'vmdk/bare' ? disk : await ova(disk, MIB))
  const blob = crypto.randomUUID()
  world.blobs.kept.set(blob, data)
  return { kind: 'data', blob, format, sizeBytes: data.length, arch: 'x86_64', os: 'linux', minDiskGiB: 0 } as const
}
export const specOf = async (...given: Parameters<typeof dataOf>) => ({
  name: `upload-${crypto.randomUUID().slice(0, 8)}`,
  source: await dataOf(...given),
})

/** As the broker does: a task that is forgotten is a creation to be asked for again. */
export const persistent = async <S extends object>(
  world: World,
  create: () => Promise<Outcome<S>>,
  poll: (task: never) => Promise<Outcome<S>>,
): Promise<S> => {
  let now = await create()
  for (let i = 0; isTask(now); i++) {
    assert(i < 200, 'it does not come to an end')
    await world.advance(100)
    try {
      now = await poll(JSON.parse(JSON.stringify(now.task)) as never)
    } catch (error) {
      if (!(error instanceof CloudError && error.code === 'not_found')) throw error
      now = await create()
    }
  }
  return now
}
export const imported = (world: World, spec: Awaited<ReturnType<typeof specOf>>, mark: Mark): Promise<ImageSeen> => {
  const { image } = world.cloud
  return persistent<ImageSeen>(
    world,
    () => image.create(spec, mark) as Promise<Outcome<ImageSeen>>,
    (task) => image.poll!(task) as Promise<Outcome<ImageSeen>>,
  )
}
export const inFolder = async (world: World, name: string) =>
  (await world.vcsim.inventory()).machines.filter((machine) => machine.name.startsWith(name))

/** A world whose processes can die: the same store and clock for each, and a session of its own. */
export const another = (world: World, ahead = 0, fetching: typeof fetch = world.surroundings.fetch) => {
  const around = {
    ...surroundings(fetching),
    store: world.surroundings.store,
    blobs: world.surroundings.blobs,
    now: () => Date.now() + ahead,
  }
  return { ...world, surroundings: around, cloud: vsphere.connect(world.connection, around) }
}
