import type { ImageRealm, ImageSeen, ImageSpec, Mark, Page, Realm } from '../../contract.ts'
import { readMark, writeMark } from '../../shared/mark-line.ts'
import { markedRealm } from '../../shared/realm.ts'
import { refuse } from '../../shared/refusals.ts'
import type { Context } from '../context.ts'
import { folderOf, inventoryOf } from '../inventory.ts'
import { isLibraryImage, KEY, LIBRARY, tokenName } from '../marks.ts'
import { imports, wishIn } from '../package/import.ts'
import { libraryImage, libraryPage } from '../package/library.ts'
import { cardsOf, removeDevice } from '../records/devices.ts'
import { extraConfig } from '../records/guestinfo.ts'
import { imageSeen } from '../records/image-seen.ts'
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
import type { Ref } from '../wire/soap.ts'
import { type Kept, later, made, progressOf, taskIn } from '../wire/tasks.ts'
import { drivesIn, UNTOLD } from './drive.ts'
import { abandonCopy, copyIn, volumeImages } from './volume-image.ts'

/** What a server was told goes no further: an image is for others too. */
const FORGOTTEN = Object.fromEntries(
  [
    KEY.size,
    KEY.image,
    KEY.ports,
    KEY.metadata,
    KEY.rebuild,
    KEY.drive,
    KEY.grouping,
    KEY.copying,
    'guestinfo.metadata',
    'guestinfo.metadata.encoding',
    'guestinfo.userdata',
    'guestinfo.userdata.encoding',
    ...Object.keys(UNTOLD),
  ].map((key) => [key, '']),
)

/** What carries the mark, or has a name with its token and no settings yet. */
const find = async (context: Context, folder: Ref, mark: Mark, name: string): Promise<ImageSeen | null> => {
  const byUuid = await machineByUuid(context, await uuidOf(mark.token))
  if (byUuid?.template && markOf(context, byUuid)?.token === mark.token) return imageSeen(context, byUuid)
  const byName = await machineByName(context, folder, tokenName(name, mark.token))
  if (!byName) return null
  if (byName.template && markOf(context, byName)?.token === mark.token) return imageSeen(context, byName)
  return byName.complete ? null : { ...imageSeen(context, byName), mark, health: 'pending' }
}

const raw = async (context: Context, id: string): Promise<Machine | null> => {
  const machine = await machineOf(context, id)
  return machine && isImage(machine) ? machine : null
}

const pageOf = async (
  context: Context,
  cursor: string | undefined,
  keep: (machine: Machine) => boolean = () => true,
): Promise<Page<ImageSeen>> => {
  const { machines, ...page } = await imagesPage(context, cursor)
  return { items: machines.filter(keep).map((machine) => imageSeen(context, machine)), complete: true, ...page }
}

/** Ids of the operator's folder of templates and of those below it; null: templates may be anywhere. */
const templateFolders = async (context: Context, folder: Ref): Promise<Set<string> | null> => {
  if (context.options.templates === null) return null
  const { folders } = await inventoryOf(context)
  const inside = new Set([folder.id])
  for (let size = 0; size < inside.size; ) {
    size = inside.size
    for (const each of folders) if (each.parent && inside.has(each.parent.id)) inside.add(each.ref.id)
  }
  return inside
}

/** A template of a server, whether it runs or not. Its volumes, its cards and its config drive stay behind. */
const copyOf = async (context: Context, id: string, folder: Ref, name: string, mark: Mark): Promise<Ref> => {
  const source = await ourMachine(context, id)
  const volumes = source.devices.filter(({ disk }) => disk?.disk)
  const answer = await context.vim.call(source.ref, 'CloneVM_Task', {
    folder,
    name: tokenName(name, mark.token),
    spec: {
      location: {},
      template: true,
      config: {
        instanceUuid: await uuidOf(mark.token),
        annotation: `Plimsoll image ${mark.resource}`,
        deviceChange: [...cardsOf(source.devices), ...volumes, ...drivesIn(source.devices)].map(removeDevice),
        extraConfig: extraConfig({ ...FORGOTTEN, [KEY.mark]: writeMark(mark), [KEY.name]: name }),
      },
      powerOn: false,
    },
  })
  return taskIn(answer)
}

/**
 * An image is a template: a virtual machine that cannot run. The catalogue is the operator's folder of them, or all, and
 * what the content libraries have besides. A server becomes one by CloneVM_Task. Uploaded data is imported. A template
 * that somebody else made is used and never ours: its settings cannot be changed as long as it is one.
 */
export const image = (context: Context): ImageRealm => {
  const { vim, options, connection } = context
  const folder = async () => folderOf(await inventoryOf(context), options.templates)
  const found = async (mark: Mark, name: string) => find(context, await folder(), mark, name)
  const uploads = imports(context, (machine) => imageSeen(context, machine))
  const copies = volumeImages(context, (machine) => imageSeen(context, machine))
  const records = {
    raw: (id: string) => raw(context, id),
    markOf: ({ own }: Machine) => readMark(own[KEY.mark]),
    one: (machine: Machine) => imageSeen(context, machine),
    async find(mark: Mark, spec: ImageSpec) {
      const seen = await found(mark, spec.name)
      // One that takes several steps is nobody's before the last: who asks for it again goes on with it.
      return seen?.health === 'pending' && spec.source && spec.source.kind !== 'server' ? null : seen
    },
    list: (cursor?: string) => pageOf(context, cursor),
  }
  const realm: Realm<ImageSpec, ImageSeen> = markedRealm<ImageSpec, ImageSeen, Machine>(connection, records, {
    once: 'unique',
    settleMs: options.settleMs,
    async create({ name, source }, mark) {
      if (source === null) return refuse('Nobody knows any more what this image is made of.')
      const present = await found(mark, name)
      if (present && (present.health !== 'pending' || source.kind === 'server')) return present
      if (source.kind === 'data') return uploads.create(name, source, mark)
      if (source.kind === 'volume') return copies.create({ name, volume: source.id, mark })
      const task = await copyOf(context, source.id, await folder(), name, mark)
      return later(context, task, { mark: { ...mark }, name })
    },
    async poll(task) {
      const wish = wishIn(task)
      if (wish) return uploads.poll(wish)
      const copied = copyIn(task)
      if (copied) return copies.poll(copied)
      const kept = task as unknown as Kept<{ mark: Mark; name: string }>
      return made(context, kept, kept.name, { at: realm.get, find: () => found(kept.mark, kept.name) })
    },
    async remove(machine) {
      await abandonCopy(context, machine)
      await progressOf(context, taskIn(await vim.call(machine.ref, 'Destroy_Task')).id)
    },
  })
  return {
    ...realm,
    get: (id) => (isLibraryImage(id) ? libraryImage(context, id) : realm.get(id)),
    async catalog(cursor) {
      if (isLibraryImage(cursor ?? '')) return libraryPage(context, cursor!)
      const inside = await templateFolders(context, await folder())
      const offered = ({ template, parent }: Machine) =>
        template && (inside === null || (parent !== undefined && inside.has(parent.id)))
      return { next: LIBRARY, ...(await pageOf(context, cursor, offered)) }
    },
  }
}
