import type { NativeId, Progress, Seed, ServerSpec, Size } from '../../contract.ts'
import { driveFiles } from '../../shared/config-drive.ts'
import type { Engine } from '../engine.ts'
import { refusal } from '../errors.ts'
import type { SizeSetting } from '../options.ts'
import { findImage } from '../records/catalog.ts'
import type { Entities } from '../records/entities.ts'
import { letGo, take } from '../records/hold.ts'
import { refuseUnsettled } from '../records/realm.ts'
import { fingerprintOf } from './keypair.ts'
import { boot, off } from './power.ts'

type Server = Entities['server']

/** A size by the cloud's own name, as sold in that zone. */
export const findSize = (engine: Engine, name: string, zone: string): SizeSetting => {
  const size = engine.settings.sizes.find((each) => each.name === name)
  if (!size) throw refusal('InvalidValue', `The cloud has no size ${name}.`)
  if (size.zones && !size.zones.includes(zone)) throw refusal('InvalidValue', `Zone ${zone} has no size ${name}.`)
  return size
}

/** Throws if the image does not run on, or does not fit, the size. */
export const refuseMisfit = (size: SizeSetting, image: { arch: string; minDiskGiB: number }): void => {
  const arch = size.arch ?? 'x86_64'
  if (image.arch !== arch) {
    throw refusal('WrongArchitecture', `The image is for ${image.arch}, size ${size.name} is ${arch}.`)
  }
  if (size.disk_gib > 0 && size.disk_gib < image.minDiskGiB) {
    throw refusal('InvalidValue', `The image needs a disk of ${image.minDiskGiB} GiB, size ${size.name} has less.`)
  }
}

/**
 * One step: off, then the other size, then the power that is wanted. A step that is under way is waited for. The disk
 * never shrinks: a smaller size keeps the larger one, or nobody could go back.
 */
export const resizeStep = async (
  engine: Engine,
  id: NativeId,
  want: Size,
  power: 'running' | 'stopped',
): Promise<Progress> => {
  let progress: Progress = 'going'
  await engine.state.change('server', id, async (server) => {
    refuseUnsettled(engine, server)
    const now = engine.now()
    progress = 'going'
    if (now < server.powerAt) return server
    if (server.size === want.native) {
      if (server.power === power) progress = 'done'
      if (progress === 'done') return server
      return power === 'running'
        ? boot(server, now, engine.settings.boot_ms)
        : off(server, now, engine.settings.stop_ms)
    }
    const zone = server.spec.zone
    const size = findSize(engine, want.native, zone)
    const current = findSize(engine, server.size, zone)
    if ((size.arch ?? 'x86_64') !== (current.arch ?? 'x86_64')) {
      throw refusal('WrongArchitecture', 'A server cannot change its architecture.')
    }
    if (server.power !== 'stopped') return off(server, now, engine.settings.stop_ms)
    const disk = server.spec.boot ? 0 : size.disk_gib
    await engine.room.take(zone, engine.state.key('server', id), [size.vcpus, size.ram_mib, disk])
    return { ...server, size: size.name, powerAt: now + engine.settings.resize_ms }
  })
  return progress
}

/** One step towards another volume in the place of the one that it boots from: off, the exchange, the power that is wanted. */
export const bootFromStep = async (
  engine: Engine,
  id: NativeId,
  volume: NativeId,
  power: 'running' | 'stopped',
): Promise<Progress> => {
  let progress: Progress = 'going'
  await engine.state.change('server', id, async (server): Promise<Server> => {
    refuseUnsettled(engine, server)
    const now = engine.now()
    progress = 'going'
    const { boot: from } = server.spec
    if (!from) throw refusal('InvalidValue', 'The server boots from a disk of its own.')
    if (now < server.powerAt) return server
    if (from.volume === volume) {
      if (server.power === power) progress = 'done'
      if (progress === 'done') return server
      return power === 'running'
        ? boot(server, now, engine.settings.boot_ms)
        : off(server, now, engine.settings.stop_ms)
    }
    if (server.power !== 'stopped') return off(server, now, engine.settings.stop_ms)
    const before = (await engine.state.lookup('volume', from.volume))?.hold
    const device = before?.device ?? null
    await take(engine, 'volume', volume, {
      server: id,
      at: now,
      readyAt: now,
      goneAt: null,
      mark: before?.mark ?? null,
      device,
    })
    await letGo(engine, 'volume', from.volume, id, now)
    const volumes = server.volumes.map((each) => (each.id === from.volume ? { ...each, id: volume } : each))
    return { ...server, spec: { ...server.spec, boot: { ...from, volume } }, volumes }
  })
  return progress
}

/** How much base64 stands for. */
const bytesOf = (text: string | null): number =>
  text === null ? 0 : Math.floor((text.replace(/(?<!=)=+$/, '').length * 3) / 4)

/** What the guest finds at its first start. */
export const foundBy = (seed: Pick<ServerSpec, 'userData' | 'drive'>, authorized: string | null): Server['guest'] => ({
  userDataBytes: bytesOf(seed.userData),
  authorized,
  drive: driveFiles(seed).map(({ path, data }) => ({ path: path.join('/'), bytes: data.length })),
})

/** One step towards a fresh disk; a server that was off stays off. Its guest finds what `seed` says, else what it found before. */
export const rebuildStep = async (
  engine: Engine,
  id: NativeId,
  image: NativeId,
  token: string,
  seed?: Seed,
): Promise<Progress> => {
  const found = await findImage(engine, image)
  const authorized = seed?.publicKey ? await fingerprintOf(seed.publicKey) : null
  let progress: Progress = 'going'
  await engine.state.change('server', id, (server): Server => {
    refuseUnsettled(engine, server)
    if (server.spec.boot) throw refusal('InvalidValue', 'The server boots from a volume, which is no copy of an image.')
    const now = engine.now()
    progress = server.rebuilt === token && now >= server.powerAt ? 'done' : 'going'
    if (server.rebuilt === token || now < server.powerAt) return server
    refuseMisfit(findSize(engine, server.size, server.spec.zone), found)
    const guest = seed ? foundBy(seed, authorized) : server.guest
    const fresh: Server = { ...server, image, rebuilt: token, ...(guest ? { guest } : {}) }
    const { build_ms: buildMs } = engine.settings
    return server.power === 'stopped' ? { ...fresh, powerAt: now + buildMs } : boot(fresh, now, buildMs)
  })
  return progress
}
