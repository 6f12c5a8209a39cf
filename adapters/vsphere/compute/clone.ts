import type { Mark, ServerSpec } from '../../contract.ts'
import { writeGrouping } from '../../shared/grouping.ts'
import { writeMark } from '../../shared/mark-line.ts'
import { gone, refuse } from '../../shared/refusals.ts'
import type { Context } from '../context.ts'
import { placeOf } from '../inventory.ts'
import { KEY, tokenName } from '../marks.ts'
import { backingOf } from '../network/port-group.ts'
import { addCard, cardsOf, growDisk, removeDevice, rootDisk } from '../records/devices.ts'
import { groupSetting } from '../records/group-record.ts'
import { extraConfig, guestinfo } from '../records/guestinfo.ts'
import { type Machine, machineOf } from '../records/machine.ts'
import { writeTable } from '../records/port-record.ts'
import type { Ref, Value } from '../wire/soap.ts'
import { makingSettings, templateOf } from './finish.ts'
import type { NewCard } from './new-cards.ts'
import type { serialLog } from './serial.ts'

/** The settings that a spec puts into its machine. */
export const settingsOf = (
  spec: ServerSpec,
  mark: Mark,
  uuid: string,
  newCards: NewCard[],
): Record<string, string> => ({
  [KEY.mark]: writeMark(mark),
  [KEY.name]: spec.name,
  [KEY.size]: spec.size.native,
  [KEY.image]: spec.image,
  [KEY.ports]: writeTable(newCards.map(({ record }) => record)),
  [KEY.metadata]: Object.keys(spec.metadata).length > 0 ? JSON.stringify(spec.metadata) : '',
  [KEY.group]: groupSetting(spec.group),
  [KEY.grouping]: spec.group ? writeGrouping(spec.group) : '',
  ...guestinfo(
    spec,
    uuid,
    newCards.map(({ guest }) => guest),
  ),
})

/**
 * The CloneVM_Task parameters for a spec. The machine's cards are the spec's and no other: a template's own go.
 * @throws `definitive` for what vSphere cannot make as it is asked
 */
export const cloneFor = (
  spec: ServerSpec,
  mark: Mark,
  uuid: string,
  image: Machine,
  newCards: NewCard[],
  place: Omit<Awaited<ReturnType<typeof placeOf>>, 'cluster'>,
  log: Awaited<ReturnType<typeof serialLog>> = { devices: [], settings: {} },
  host: Ref | null = null,
): Record<string, Value> => {
  const root = rootDisk(image.devices)
  const least = (root?.disk?.capacityKiB ?? 0) / 1024 ** 2
  if (spec.size.diskGiB > 0 && spec.size.diskGiB < least)
    refuse(`The image needs a root disk of ${Math.ceil(least)} GiB.`)
  const gives = spec.boot && root ? [removeDevice(root)] : []
  const grows = root && !spec.boot && spec.size.diskGiB > least ? [growDisk(root, spec.size.diskGiB * 1024 ** 2)] : []
  return {
    folder: place.folder,
    name: tokenName(spec.name, mark.token),
    spec: {
      location: {
        datastore: place.datastore,
        pool: place.pool,
        host,
        profile: place.policy === null ? null : { _type: 'VirtualMachineDefinedProfileSpec', profileId: place.policy },
      },
      template: false,
      config: {
        instanceUuid: uuid,
        annotation: `Plimsoll server ${mark.resource}`,
        numCPUs: spec.size.vcpus,
        memoryMB: spec.size.ramMiB,
        deviceChange: [
          ...cardsOf(image.devices).map(removeDevice),
          ...newCards.map(({ portGroup, record }, index) => addCard(index, backingOf(portGroup), record.mac)),
          ...gives,
          ...grows,
          ...log.devices,
        ],
        extraConfig: extraConfig({
          ...settingsOf(spec, mark, uuid, newCards),
          ...makingSettings(spec, root),
          ...log.settings,
        }),
      },
      // One that boots from a volume has no disk yet, and one with a config drive has that still to come.
      powerOn: !spec.boot && !spec.drive,
    },
  }
}

/** @throws `definitive` for what no server on vSphere has */
export const refuseUnoffered = (spec: ServerSpec): void => {
  if (spec.keypair !== null && spec.publicKey === null)
    refuse('This cloud has no keypairs; the public key itself is needed.')
  if (spec.option === 'spot') refuse('This cloud takes nothing back, and sells nothing that it might.')
}

/** Where a server goes, after everything that can be wrong with a spec before anything is asked for. */
export const checkedPlace = async (context: Context, spec: ServerSpec) => {
  const size =
    context.options.sizes.find(({ name }) => name === spec.size.native) ?? refuse('The cloud does not know this size.')
  if (size.zones !== null && !size.zones.includes(spec.zone)) refuse('The size is not available in this zone.')
  refuseUnoffered(spec)
  return placeOf(context, spec.zone)
}

/** The place, and the template that is there. @throws `not_found` for an image that is none */
export const checked = async (context: Context, spec: ServerSpec) => {
  const place = await checkedPlace(context, spec)
  const image = spec.boot ? await templateOf(context, spec.boot.volume) : await machineOf(context, spec.image)
  if (!image?.template) throw gone(spec.image)
  return { place, image }
}
