import type { ImageData, Mark } from '../../contract.ts'
import { writeMark } from '../../shared/mark-line.ts'
import { refuse } from '../../shared/refusals.ts'
import type { Context } from '../context.ts'
import { type Datastore, datastoreIn, folderOf, inventoryOf, placeOf } from '../inventory.ts'
import { KEY, tokenName } from '../marks.ts'
import { extraConfig } from '../records/guestinfo.ts'
import { uuidOf } from '../records/machine.ts'
import type { Ref, Value } from '../wire/soap.ts'
import type { Upload } from './upload.ts'

/** Where an imported machine is made; as a template it serves every zone. */
export interface ImportPlace {
  pool: Ref
  folder: Ref
  datastore: Datastore
  policy: string | null
}

/** The first zone that the project has a resource pool in, and the operator's folder of templates. @throws `definitive` */
export const importPlace = async (context: Context): Promise<ImportPlace> => {
  const { mapping, options } = context
  const inventory = await inventoryOf(context)
  const has = ({ ref: { id } }: (typeof inventory.clusters)[number]) =>
    inventory.pools.some(({ owner, name, ref }) => owner === id && [name, ref.id].includes(mapping.resourcePool ?? ''))
  const cluster =
    inventory.clusters.find(has) ?? inventory.clusters[0] ?? refuse('The cloud has no zone to import into.')
  const { pool, policy } = await placeOf(context, cluster.name)
  return {
    pool,
    policy,
    folder: folderOf(inventory, options.templates),
    datastore: await datastoreIn(context, cluster.name),
  }
}

/** A storage policy as a specification takes it; null: the datastore's own. */
export const profile = (policy: string | null): Value =>
  policy === null ? null : [{ _type: 'VirtualMachineDefinedProfileSpec', profileId: policy }]

/** What makes an imported machine ours, and unfinished until its disks are there: parts of the call that makes it. */
export const ours = async (
  name: string,
  mark: Mark,
  unfinished: Record<string, string> = { [KEY.importing]: mark.token },
) => ({
  name: tokenName(name, mark.token),
  instanceUuid: await uuidOf(mark.token),
  annotation: `Plimsoll image ${mark.resource}`,
  settings: extraConfig({ [KEY.mark]: writeMark(mark), [KEY.name]: name, ...unfinished }) as Value[],
})

/** A machine for a disk that says nothing of its own: the least that boots, and every server its own size. */
export const bareMachine = (
  { settings, ...own }: Awaited<ReturnType<typeof ours>>,
  os: ImageData['os'],
  { datastore, policy }: Pick<ImportPlace, 'datastore' | 'policy'>,
  disks: Value[],
): Record<string, Value> => {
  const windows = os === 'windows'
  return {
    name: own.name,
    instanceUuid: own.instanceUuid,
    guestId: windows ? 'windows9Server64Guest' : 'other4xLinux64Guest',
    annotation: own.annotation,
    files: { vmPathName: `[${datastore.name}]` },
    numCPUs: 1,
    memoryMB: 1024,
    deviceChange: [
      {
        operation: 'add',
        device: {
          // Windows has no driver for the paravirtual one before VMware Tools bring it.
          _type: windows ? 'VirtualLsiLogicSASController' : 'ParaVirtualSCSIController',
          key: -101,
          busNumber: 0,
          sharedBus: 'noSharing',
        },
      },
      ...disks,
    ],
    extraConfig: settings,
    vmProfile: profile(policy),
  }
}

/** What imports a disk alone. */
export const diskSpec = async (
  { capacityKiB }: Extract<Upload, { kind: 'disk' }>,
  data: Pick<ImageData, 'os'>,
  name: string,
  mark: Mark,
  place: ImportPlace,
): Promise<Value> => ({
  _type: 'VirtualMachineImportSpec',
  configSpec: bareMachine(await ours(name, mark), data.os, place, [
    {
      operation: 'add',
      fileOperation: 'create',
      device: {
        _type: 'VirtualDisk',
        key: -102,
        backing: {
          _type: 'VirtualDiskFlatVer2BackingInfo',
          fileName: '',
          datastore: place.datastore.ref,
          diskMode: 'persistent',
          thinProvisioned: true,
        },
        controllerKey: -101,
        unitNumber: 0,
        capacityInKB: capacityKiB,
      },
      profile: profile(place.policy),
    },
  ]),
})
