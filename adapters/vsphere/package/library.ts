import type { ImageSeen, Mark, Page } from '../../contract.ts'
import { asCloudError, CloudError } from '../../errors.ts'
import { gone, refuse } from '../../shared/refusals.ts'
import { remembered } from '../../shared/remember.ts'
import type { Context } from '../context.ts'
import { datastoreIn, type placeOf } from '../inventory.ts'
import { LIBRARY, tokenName, withMark } from '../marks.ts'
import { UNDATED } from '../records/image-seen.ts'
import type { Ref } from '../wire/soap.ts'
import { type Vapi, vapiOf } from '../wire/vapi.ts'

const itemIn = (id: string): string => id.slice(LIBRARY.length)

interface Item {
  id: string
  name: string
  type: string
  description?: string
  size?: number
  creation_time?: string
}

const PAGE = 25
const REMEMBERED_MS = 60_000
/** Servers are made of packages. A VM template of a library stands in the inventory, and is in the catalogue from there. */
const BOOTS = 'ovf'

const root = ({ form }: Vapi): string => (form === 'api' ? '/api/content/library' : '/rest/com/vmware/content/library')
const named = ({ form }: Vapi, id: string): string => `${form === 'api' ? '' : 'id:'}${encodeURIComponent(id)}`

/** Every item of every library, in an order that stays the same. */
const idsOf = async ({ surroundings, connection }: Context, vapi: Vapi, fresh: boolean): Promise<string[]> => {
  const findOut = async (): Promise<string[]> => {
    const ids: string[] = []
    for (const library of (await vapi.get<string[] | null>(root(vapi))) ?? [])
      ids.push(
        ...((await vapi.get<string[] | null>(`${root(vapi)}/item?library_id=${encodeURIComponent(library)}`)) ?? []),
      )
    return ids.sort()
  }
  return remembered(surroundings, `vsphere/library/${connection.cloudId}`, REMEMBERED_MS, findOut, fresh)
}

const itemOf = async (vapi: Vapi, id: string): Promise<Item | null> => {
  try {
    return await vapi.get<Item>(`${root(vapi)}/item/${named(vapi, id)}`)
  } catch (error) {
    if (error instanceof CloudError && error.code === 'not_found') return null
    throw error
  }
}

/** A package says neither its guest nor the size of its disks before it is deployed. */
const seenOf = ({ id, name, description, size, creation_time }: Item): ImageSeen => ({
  id: LIBRARY + id,
  name,
  health: 'ready',
  arch: 'x86_64',
  minDiskGiB: 0,
  sizeBytes: size || null,
  os: null,
  createdAt: creation_time ?? UNDATED,
  ...(description ? { description } : {}),
})

/** The package as an image; null: there is none, or servers are not made of such an item. */
export const libraryImage = async (context: Context, id: string): Promise<ImageSeen | null> => {
  const vapi = await vapiOf(context)
  const item = vapi && (await itemOf(vapi, itemIn(id)))
  return item?.type === BOOTS ? seenOf(item) : null
}

/** A page of what servers are made of. A library that does not answer hides nothing else: the page is incomplete. */
export const libraryPage = async (context: Context, cursor: string): Promise<Page<ImageSeen>> => {
  try {
    const vapi = await vapiOf(context)
    if (!vapi) return { items: [], complete: true }
    const after = itemIn(cursor)
    const ids = (await idsOf(context, vapi, after === '')).filter((id) => id > after)
    const part = ids.slice(0, PAGE)
    const items: ImageSeen[] = []
    for (const id of part) {
      const item = await itemOf(vapi, id)
      if (item?.type === BOOTS) items.push(seenOf(item))
    }
    return { items, complete: true, ...(ids.length > PAGE ? { next: LIBRARY + part.at(-1) } : {}) }
  } catch (thrown) {
    const { code, message, detail } = asCloudError(thrown)
    context.surroundings.log('warn', 'the content libraries cannot be read', {
      code,
      message: detail.operatorMessage ?? message,
    })
    // Who may not see them has none.
    return { items: [], complete: code === 'denied' }
  }
}

interface Deployment {
  succeeded?: boolean
  error?: {
    errors?: { message?: { default_message?: string }; error?: { messages?: { default_message?: string }[] } }[]
  }
}

/**
 * Deploys a package as a machine that is off. The call carries the token in the name and our mark in the notes; it has
 * no place for settings. Names are unique in a folder, so a second call for the same request makes nothing.
 * https://developer.broadcom.com/xapis/vsphere-automation-api/latest/ (vcenter/ovf/library-item, deploy)
 */
export const deployItem = async (
  context: Context,
  { name, image, zone }: { name: string; image: string; zone: string },
  mark: Mark,
  place: Awaited<ReturnType<typeof placeOf>>,
  host: Ref | null,
): Promise<void> => {
  const vapi = (await vapiOf(context)) ?? refuse('This vCenter has no content libraries.')
  const item = itemIn(image)
  if ((await itemOf(vapi, item))?.type !== BOOTS) throw gone(image)
  const path =
    vapi.form === 'api'
      ? `/api/vcenter/ovf/library-item/${encodeURIComponent(item)}?action=deploy`
      : `/rest/com/vmware/vcenter/ovf/library-item/id:${encodeURIComponent(item)}?~action=deploy`
  const answer = await vapi.order<Deployment | null>(
    path,
    {
      target: {
        resource_pool_id: place.pool.id,
        folder_id: place.folder.id,
        ...(host ? { host_id: host.id } : {}),
      },
      deployment_spec: {
        name: tokenName(name, mark.token),
        annotation: withMark(`Plimsoll server ${mark.resource}`, mark),
        accept_all_EULA: true,
        storage_provisioning: 'thin',
        default_datastore_id: (await datastoreIn(context, zone)).ref.id,
        ...(place.policy === null ? {} : { storage_profile_id: place.policy }),
      },
    },
    mark.token,
  )
  if (answer?.succeeded) return
  const [fault] = answer?.error?.errors ?? []
  throw new CloudError('conflict', 'The cloud could not deploy the package.', {
    operatorMessage: `deploy: ${fault?.message?.default_message ?? fault?.error?.messages?.[0]?.default_message ?? 'no reason'}`,
  })
}
