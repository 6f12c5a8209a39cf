import type { AttachmentSeen, AttachmentSpec, Realm } from '../../contract.ts'
import type { Engine } from '../engine.ts'
import { refusal } from '../errors.ts'
import { exists } from '../records/entities.ts'
import { pairRealm } from '../records/pair-realm.ts'

export const ROOT = '/dev/vda'
export const DEVICES = [...'bcdefghijklmnopqrstuvwxyz'].map((letter) => `/dev/vd${letter}`)

/** Attachments: a volume in a server, at a device that no other volume of the server has. */
export const attachments = (engine: Engine): Realm<AttachmentSpec, AttachmentSeen> => {
  const { state } = engine

  const plugIn = async ({ server: id, volume, device: wished }: AttachmentSpec): Promise<string> => {
    let device = ''
    await state.change('server', id, async (server) => {
      const others: typeof server.volumes = []
      for (const each of server.volumes) {
        const hold = each.id === volume ? null : (await state.lookup('volume', each.id))?.hold
        if (hold?.server === id && (hold.goneAt === null || hold.goneAt > engine.now())) others.push(each)
      }
      const taken = new Set(others.map((each) => each.device))
      const before = server.volumes.find((each) => each.id === volume)?.device
      const free = DEVICES.find((each) => !taken.has(each))
      const chosen = wished ?? (before && !taken.has(before) ? before : free)
      if (chosen === undefined) throw refusal('InvalidValue', 'The server holds as many volumes as it can.')
      if (taken.has(chosen)) throw refusal('InUse', `The server has another volume at ${chosen}.`)
      device = chosen
      return before === chosen ? server : { ...server, volumes: [...others, { id: volume, device }] }
    })
    return device
  }

  return pairRealm<AttachmentSpec, AttachmentSeen>(engine, {
    kind: 'attachment',
    held: 'volume',
    inborn: false,
    awaited: ({ boot }) => boot === true,
    async refuseRemoval(volume, { server: id }) {
      const server = await state.lookup('server', id)
      if (server?.spec.boot?.volume === volume && exists(server, engine.now()))
        throw refusal('InUse', 'The server boots from the volume.')
    },
    target: ({ volume, server }) => ({ held: volume, server }),
    spec: (volume, { server, device }) => ({ server, volume, device, ...(device === ROOT ? { boot: true } : {}) }),
    plugIn,
    view: (seen, { device }) => ({ ...seen, device }),
  })
}
