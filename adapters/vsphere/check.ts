import type { CheckReport } from '../contract.ts'
import { checking } from '../shared/check.ts'
import { textOf } from '../shared/xml.ts'
import type { Context } from './context.ts'
import { inventoryOf } from './inventory.ts'
import { EDIT_RULES, lackedOn } from './privileges.ts'
import { ref } from './wire/soap.ts'
import { zones } from './zones.ts'

/** https://developer.broadcom.com/xapis/vsphere-web-services-api/latest/ names the privilege of each method. */
const PRIVILEGES = [
  'VirtualMachine.Inventory.CreateFromExisting',
  'VirtualMachine.Inventory.Delete',
  'VirtualMachine.Provisioning.DeployTemplate',
  'VirtualMachine.Provisioning.Clone',
  'VirtualMachine.Provisioning.CreateTemplateFromVM',
  'VirtualMachine.Provisioning.MarkAsTemplate',
  'VApp.Import',
  'VirtualMachine.Interact.PowerOn',
  'VirtualMachine.Interact.PowerOff',
  'VirtualMachine.Interact.Reset',
  'VirtualMachine.Interact.Suspend',
  'VirtualMachine.Interact.ConsoleInteract',
  'VirtualMachine.Config.CPUCount',
  'VirtualMachine.Config.Memory',
  'VirtualMachine.Config.AddExistingDisk',
  'VirtualMachine.Config.AddNewDisk',
  'VirtualMachine.Config.RemoveDisk',
  'VirtualMachine.Config.DiskExtend',
  'VirtualMachine.Config.AddRemoveDevice',
  'VirtualMachine.Config.EditDevice',
  'VirtualMachine.Config.AdvancedConfig',
  'VirtualMachine.Config.Rename',
  'Resource.AssignVMToPool',
  'Datastore.AllocateSpace',
  'Datastore.FileManagement',
  'Datastore.Browse',
  'Network.Assign',
  EDIT_RULES,
]
/** For making networks. */
const NETWORK_PRIVILEGES = ['DVPortgroup.Create', 'DVPortgroup.Modify', 'DVPortgroup.Delete']

/** Asks vCenter who we are, what time it is there, and which of the privileges that we need we do not have. */
export const check = async (context: Context): Promise<CheckReport> => {
  const { vim, options, surroundings } = context
  const { report, attempt, clock } = checking(null, {
    why: ({ message, detail }) => detail.operatorMessage ?? message,
  })
  const before = surroundings.now()
  // A session that is remembered proves nothing: the first question goes to vCenter itself.
  const time = await attempt('Login', () => vim.call(ref('ServiceInstance', 'ServiceInstance'), 'CurrentTime'))
  if (!time) return report
  const content = await vim.content()
  report.account = await vim.user()
  report.version = content.version
  const there = Date.parse(textOf(time, 'returnval') ?? '')
  clock(Number.isNaN(there) ? null : Math.round(there - (before + surroundings.now()) / 2))

  const inventory = await attempt('the datacenter', () => inventoryOf(context, true))
  if (inventory && inventory.clusters.length === 0) report.warnings.push('There is no cluster, so there is no zone.')
  if (inventory) await attempt('the zones', () => zones(context))
  if (inventory) {
    const wanted = [...PRIVILEGES, ...(options.switch ? NETWORK_PRIVILEGES : [])]
    const lacked = await attempt('HasUserPrivilegeOnEntities', () =>
      lackedOn(context, inventory.datacenter.ref, wanted),
    )
    report.denied.push(...(lacked ?? []))
  }
  return report
}
