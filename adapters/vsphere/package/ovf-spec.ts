import type { Mark } from '../../contract.ts'
import { CloudError } from '../../errors.ts'
import { refuse } from '../../shared/refusals.ts'
import { child, childrenOf, type Element, textOf } from '../../shared/xml.ts'
import type { Context } from '../context.ts'
import { readDevice } from '../records/devices.ts'
import { repeated, type Value } from '../wire/soap.ts'
import { type ImportPlace, ours, profile } from './import-spec.ts'
import type { Upload } from './upload.ts'

/**
 * What is said of a machine that an OVF describes, in the schema's order. Its cards go: a server has its ports and no
 * other. So do the properties for its first start: cloud-init would take them, empty as they are, for what it was told.
 */
const FIELDS = [
  'name',
  'version',
  'instanceUuid',
  'guestId',
  'alternateGuestName',
  'annotation',
  'files',
  'tools',
  'flags',
  'powerOpInfo',
  'numCPUs',
  'numCoresPerSocket',
  'memoryMB',
  'memoryHotAddEnabled',
  'cpuHotAddEnabled',
  'cpuHotRemoveEnabled',
  'virtualICH7MPresent',
  'virtualSMCPresent',
  'deviceChange',
  'extraConfig',
  'bootOptions',
  'firmware',
  'nestedHVEnabled',
  'vmProfile',
]

/** A file of the package, and which device it is for. */
export interface FileItem {
  device: string
  path: string
  /** A file that the host has to make, such as an ISO image; a disk is there already. */
  create: boolean
}

/**
 * The machine of an OVA, as vCenter itself understands the descriptor, with our name, mark and UUID.
 * https://developer.broadcom.com/xapis/vsphere-web-services-api/latest/ (OvfManager.CreateImportSpec)
 */
export const machineSpec = async (
  { vim }: Context,
  { descriptor }: Extract<Upload, { kind: 'machine' }>,
  name: string,
  mark: Mark,
  { pool, datastore, policy }: ImportPlace,
): Promise<{ spec: Value; items: FileItem[] }> => {
  const { settings, ...own } = await ours(name, mark)
  const manager = (await vim.content()).ovf ?? refuse('This vCenter reads no OVF.')
  const answer = await vim.call(manager, 'CreateImportSpec', {
    ovfDescriptor: descriptor,
    resourcePool: pool,
    datastore: datastore.ref,
    cisp: { locale: '', deploymentOption: '', entityName: own.name, diskProvisioning: 'thin' },
  })
  const result = child(answer, 'returnval')
  const [fault] = childrenOf(result, 'error')
  const imported = child(result, 'importSpec')
  if (fault || !imported)
    throw new CloudError('definitive', 'The cloud does not understand the descriptor of the OVA.', {
      cloudCode: child(fault, 'fault')?.xsiType,
      operatorMessage: `CreateImportSpec: ${textOf(fault, 'localizedMessage') ?? 'no machine'}`,
    })
  if (imported.xsiType !== 'VirtualMachineImportSpec') refuse('The OVA holds several machines; an image is one.')
  const config = child(imported, 'configSpec')
  const given: Record<string, Value> = {
    ...own,
    deviceChange: childrenOf(config, 'deviceChange').flatMap((each) => changeOf(each, policy)),
    extraConfig: settings,
    vmProfile: profile(policy),
  }
  const configSpec = Object.fromEntries(
    FIELDS.map((field) => [field, field in given ? given[field] : childrenOf(config, field).map(repeated)]),
  )
  const items = childrenOf(result, 'fileItem').map((item) => ({
    device: textOf(item, 'deviceId') ?? '',
    path: textOf(item, 'path') ?? '',
    create: textOf(item, 'create') === 'true',
  }))
  return { spec: { _type: 'VirtualMachineImportSpec', configSpec }, items }
}

/**
 * Devices that a package may bring. It comes from anybody and is read with the operator's account: no port of the host, no
 * file of a datastore, and no setting (`extraConfig`) but ours.
 */
const KEPT = /^Virtual(Disk|\w*Controller|MachineVideoCard)$/

const changeOf = (change: Element, policy: string | null): Value[] => {
  const device = child(change, 'device')
  const { disk, type } = device ? readDevice(device) : {}
  if (!KEPT.test(type ?? '')) return []
  const again = repeated(change) as Record<string, Value>
  return [disk && policy !== null ? { ...again, profile: profile(policy) } : again]
}
