import { unclear } from '../../shared/refusals.ts'
import type { Context } from '../context.ts'
import { look, text } from '../wire/properties.ts'
import type { Ref } from '../wire/soap.ts'

/** Where a machine has its files. */
export interface Home {
  datastore: string
  /** Its path in the datastore. */
  folder: string
}

/** The folder of a machine, which vCenter named when it made the machine. */
export const homeOf = async ({ vim }: Pick<Context, 'vim'>, machine: Ref): Promise<Home> => {
  const [found] = await look(vim, [machine], [HOME])
  return homeIn(found && text(found, HOME))
}

/** The property that `homeIn` reads. */
export const HOME = 'config.files.vmPathName'

/** The folder of a machine from the path of its description, `[datastore] folder/name.vmx`. */
export const homeIn = (path: string | undefined): Home => {
  const [, datastore, folder] = /^\[([^\]]+)\] (.+)\/[^/]+$/.exec(path ?? '') ?? []
  if (!datastore || !folder) throw unclear('the folder of a machine', path ?? 'none')
  return { datastore, folder }
}
