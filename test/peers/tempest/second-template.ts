import type { Connection } from '../../../adapters/contract.ts'
import { vsphere } from '../../../adapters/vsphere/index.ts'
import { machineOf } from '../../../adapters/vsphere/records/machine.ts'
import { settled, taskIn } from '../../../adapters/vsphere/wire/tasks.ts'
import { contextOf, surroundings } from '../vsphere/cloud.ts'

/** The simulator has one template; Tempest wants to tell two images apart. One more machine becomes one; gives its name. */
export const secondTemplate = async (linked: Connection): Promise<string> => {
  const around = surroundings(fetch)
  const context = contextOf(linked, around)
  const name = 'DC0_C1_RP1_VM0'
  const { items } = await vsphere.connect(linked, around).server.list()
  const found = items.find((each) => each.name === name)
  const machine = found && (await machineOf(context, found.id))
  if (!machine) throw new Error(`the simulator has no machine ${name}`)
  await settled(context, taskIn(await context.vim.call(machine.ref, 'PowerOffVM_Task')))
  await context.vim.call(machine.ref, 'MarkAsTemplate')
  return name
}
