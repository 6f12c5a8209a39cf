import type { NativeId } from '../../contract.ts'
import { CloudError } from '../../errors.ts'
import { gone, refuse } from '../../shared/refusals.ts'
import { textOf } from '../../shared/xml.ts'
import type { Context } from '../context.ts'
import { datacenterPath, datastoreIn, inventoryOf } from '../inventory.ts'
import { isLibraryImage, tokenName } from '../marks.ts'
import { rootDisk } from '../records/devices.ts'
import { machineOf } from '../records/machine.ts'
import { sdkUrl } from '../wire/client.ts'
import type { Ref } from '../wire/soap.ts'
import { taskIn } from '../wire/tasks.ts'
import { askDisks, type Disk, diskOf } from './disk.ts'

/*
 * A first-class disk out of a template: vSphere makes none of it in one call. The template's disk is copied to a file of the
 * mark's own name, over again if an earlier copy was lost, and the file is then registered as a disk.
 */

/** What a disk is made for: its name in the catalogue, its token and its zone. */
interface Wanted {
  name: string
  token: string
  zone: string
}

const fileFor = ({ token }: Wanted): string => `plimsoll-${token}.vmdk`

/** Begins to copy the disk of a template; gives the task. @throws `definitive` for an image that no disk is copied of */
export const copyOfImage = async (context: Context, image: NativeId, wanted: Wanted): Promise<Ref> => {
  if (isLibraryImage(image)) refuse('Volumes are copies of templates; packages of a content library only make servers.')
  const machine = await machineOf(context, image)
  if (!machine?.template) throw gone(image)
  const source = rootDisk(machine.devices)?.disk?.file ?? refuse('The image has no disk of its own.')
  const { datacenter } = await inventoryOf(context)
  const copier = (await context.vim.content()).diskFiles ?? refuse('This vCenter copies no disks.')
  const { name } = await datastoreIn(context, wanted.zone)
  const answer = await context.vim.call(copier, 'CopyVirtualDisk_Task', {
    sourceName: source,
    sourceDatacenter: datacenter.ref,
    destName: `[${name}] ${fileFor(wanted)}`,
    destDatacenter: datacenter.ref,
    force: true,
  })
  return taskIn(answer)
}

/** Puts the copy into the catalogue of disks; null: it is there by another name, or the file is not. */
export const registeredCopy = async (context: Context, wanted: Wanted): Promise<Disk | null> => {
  const { name } = await datastoreIn(context, wanted.zone)
  const where = new URLSearchParams({ dcPath: await datacenterPath(context), dsName: name })
  const { origin } = new URL(sdkUrl(context.connection.endpoint ?? ''))
  try {
    const answer = await askDisks(context, 'RegisterDisk', {
      path: `${origin}/folder/${fileFor(wanted)}?${where}`,
      name: tokenName(wanted.name, wanted.token),
    })
    const id = textOf(answer, 'returnval', 'config', 'id', 'id')
    return id ? diskOf(context, id) : null
  } catch (error) {
    if (error instanceof CloudError && error.detail.cloudCode === 'InvalidArgument') return null
    throw error
  }
}
