import type { ImageRealm, ImageSeen, ImageSpec, Mark, Outcome, Page } from '../../contract.ts'
import { CloudError } from '../../errors.ts'
import { assertOurs } from '../../shared/marks.ts'
import { gone, unlessGone } from '../../shared/refusals.ts'
import type { Context } from '../context.ts'
import { folderOf, inventoryOf } from '../inventory.ts'
import { KEY, plainName, readMark, tokenName, writeMark } from '../marks.ts'
import { imports, wishIn } from '../package/import.ts'
import { isLibraryImage, LIBRARY, libraryImage, libraryPage, UNDATED } from '../package/library.ts'
import { cardsOf, removeDevice, rootDisk } from '../records/devices.ts'
import { extraConfig } from '../records/guestinfo.ts'
import {
  isImage,
  type Machine,
  machineByName,
  machineByUuid,
  machineOf,
  markOf,
  ourMachine,
  uuidOf,
} from '../records/machine.ts'
import { imagesPage } from '../records/machine-pages.ts'
import { ref } from '../wire/soap.ts'
import { type Kept, later, progressOf, taskIn } from '../wire/tasks.ts'

export const imageSeen = (context: Context, machine: Machine): ImageSeen => {
  const mark = markOf(context, machine)
  return {
    id: machine.ref.id,
    ...(mark ? { mark } : {}),
    name: machine.own[KEY.name] ?? plainName(machine.name),
    health:
      machine.complete && machine.template
        ? machine.connection === 'invalid' || machine.connection === 'orphaned'
          ? 'failed'
          : 'ready'
        : 'pending',
    arch: /arm/i.test(machine.guestId) ? 'aarch64' : 'x86_64',
    minDiskGiB: Math.ceil((rootDisk(machine.devices)?.disk?.capacityKiB ?? 0) / 1024 ** 2),
    sizeBytes: machine.bytes,
    os: /^win/i.test(machine.guestId) ? 'windows' : 'linux',
    createdAt: machine.createdAt || (mark ? new Date(mark.epoch * 60_000).toISOString() : UNDATED),
    ...(machine.annotation ? { description: machine.annotation } : {}),
  }
}

/** What a server was told goes no further: an image is for others too. */
const FORGOTTEN = Object.fromEntries(
  [
    KEY.size,
    KEY.image,
    KEY.ports,
    KEY.metadata,
    KEY.rebuild,
    'guestinfo.metadata',
    'guestinfo.metadata.encoding',
    'guestinfo.userdata',
    'guestinfo.userdata.encoding',
  ].map((key) => [key, '']),
)

/**
 * An image is a template: a virtual machine that cannot run. The catalogue is the operator's folder of them, or all, and
 * what the content libraries have besides. A server becomes one by CloneVM_Task, while it runs too; its volumes and its
 * cards stay behind. Uploaded data is imported. A template that somebody else made is used and never ours: its settings
 * cannot be changed as long as it is one.
 */
export const image = (context: Context): ImageRealm => {
  const { vim, options, connection } = context

  const folder = async () => folderOf(await inventoryOf(context), options.templates)

  const found = async (mark: Mark, name: string): Promise<ImageSeen | null> => {
    const byUuid = await machineByUuid(context, await uuidOf(mark.token))
    if (byUuid?.template && markOf(context, byUuid)?.token === mark.token) return imageSeen(context, byUuid)
    const byName = await machineByName(context, await folder(), tokenName(name, mark.token))
    if (!byName) return null
    if (byName.template && markOf(context, byName)?.token === mark.token) return imageSeen(context, byName)
    return byName.complete ? null : { ...imageSeen(context, byName), mark, health: 'pending' }
  }
  const uploads = imports(context, (machine) => imageSeen(context, machine))

  const seenAt = async (id: string): Promise<ImageSeen | null> => {
    if (isLibraryImage(id)) return libraryImage(context, id)
    const machine = await machineOf(context, id)
    return machine && isImage(machine) ? imageSeen(context, machine) : null
  }

  /** Folders at and below the operator's. */
  const shelves = async (): Promise<Set<string> | null> => {
    if (options.templates === null) return null
    const { folders } = await inventoryOf(context)
    const inside = new Set([(await folder()).id])
    for (let size = 0; size < inside.size; ) {
      size = inside.size
      for (const each of folders) if (each.parent && inside.has(each.parent.id)) inside.add(each.ref.id)
    }
    return inside
  }

  const pages = async (cursor: string | undefined, keep: (machine: Machine) => boolean): Promise<Page<ImageSeen>> => {
    const { machines, ...page } = await imagesPage(context, cursor)
    return { items: machines.filter(keep).map((machine) => imageSeen(context, machine)), complete: true, ...page }
  }

  return {
    once: 'unique',
    settleMs: options.settleMs,
    async find(mark, spec) {
      const seen = await found(mark, spec.name)
      // An import that is not finished is nobody's yet: who asks for it again goes on with it.
      return seen?.health === 'pending' && spec.source?.kind === 'data' ? null : seen
    },
    get: seenAt,
    list: (cursor) => pages(cursor, () => true),
    async catalog(cursor) {
      if (isLibraryImage(cursor ?? '')) return libraryPage(context, cursor!)
      const inside = await shelves()
      const page = await pages(
        cursor,
        ({ template, parent }) => template && (inside === null || (parent !== undefined && inside.has(parent.id))),
      )
      return { next: LIBRARY, ...page }
    },
    async create(spec: ImageSpec, mark): Promise<Outcome<ImageSeen>> {
      if (spec.source === null) throw new CloudError('definitive', 'Nobody knows any more what this image is made of.')
      const present = await found(mark, spec.name)
      if (present && (present.health !== 'pending' || spec.source.kind !== 'data')) return present
      if (spec.source.kind === 'data') return uploads.create(spec, spec.source, mark)
      const source = await ourMachine(context, spec.source.id)
      const parts = source.devices.filter(({ disk }) => disk?.disk)
      const answer = await vim.call(source.ref, 'CloneVM_Task', {
        folder: await folder(),
        name: tokenName(spec.name, mark.token),
        spec: {
          location: {},
          template: true,
          config: {
            instanceUuid: await uuidOf(mark.token),
            annotation: `Plimsoll image ${mark.resource}`,
            deviceChange: [...cardsOf(source.devices), ...parts].map(removeDevice),
            extraConfig: extraConfig({ ...FORGOTTEN, [KEY.mark]: writeMark(mark), [KEY.name]: spec.name }),
          },
          powerOn: false,
        },
      })
      return later(context, taskIn(answer), { mark: { ...mark }, name: spec.name })
    },
    async poll(task) {
      const wish = wishIn(task)
      if (wish) return uploads.poll(wish)
      const { task: id, mark, name, since } = task as unknown as Kept<{ mark: Mark; name: string }>
      let lost: unknown
      try {
        const state = await progressOf(context, id)
        if (state.state === 'running') return later(context, ref('Task', id), { mark: { ...mark }, name }, since)
        const made = state.state === 'success' ? await seenAt(state.result?.text ?? '') : null
        if (made) return made
      } catch (error) {
        lost = error
        if (!(error instanceof CloudError && error.detail.cloudCode === 'DuplicateName')) throw error
      }
      const present = await found(mark, name)
      if (present) return present
      throw lost ?? gone(name)
    },
    async remove(id, mark) {
      const machine = await machineOf(context, id)
      if (!machine || !isImage(machine)) return
      assertOurs(readMark(machine.own[KEY.mark]), connection.deployment, mark)
      await unlessGone(async () => {
        await progressOf(context, taskIn(await vim.call(machine.ref, 'Destroy_Task')).id)
      })
    },
  }
}
