import * as z from 'zod'
import type { Capability, Cloud } from '../../../../adapters/contract.ts'
import type { NewServer } from '../../../../db/queries/compute/servers.ts'
import { refuseEnded } from '../../../broker/compute/lease/lease.ts'
import { ask, requireCapability, requireState } from '../../../broker/compute/server-action.ts'
import { type Action, action } from './action.ts'

type Power = NonNullable<NewServer['wantPower']>

/** An action that leads to another power. Some clouds lack some of them. */
const power = (name: string, word: string, wantPower: Power, needs?: [Capability, (cloud: Cloud) => unknown]): Action =>
  action({
    name,
    handle: async ({ context }, server) => {
      requireState(context, server, word)
      if (wantPower === 'running') refuseEnded(server, context.now())
      if (needs) await requireCapability(context, server, ...needs)
      await ask(context, server, { action: word, set: { wantPower } })
      return undefined
    },
  })

const reboot = z.strictObject({
  type: z.enum(['HARD', 'Hard', 'hard', 'SOFT', 'Soft', 'soft'], {
    error: (issue) => `'${issue.input}' is not one of ['HARD', 'Hard', 'hard', 'SOFT', 'Soft', 'soft']`,
  }),
})

/** https://docs.openstack.org/api-ref/compute/#servers-run-an-action-servers-action */
export const powerActions: Action[] = [
  power('os-start', 'start', 'running'),
  power('os-stop', 'stop', 'stopped'),
  power('pause', 'pause', 'paused', ['server.pause', (cloud) => cloud.server.pause]),
  power('unpause', 'unpause', 'running', ['server.pause', (cloud) => cloud.server.unpause]),
  power('suspend', 'suspend', 'suspended', ['server.suspend', (cloud) => cloud.server.suspend]),
  power('resume', 'resume', 'running', ['server.suspend', (cloud) => cloud.server.resume]),
  action<z.infer<typeof reboot>>({
    name: 'reboot',
    body: reboot,
    handle: async ({ context }, server, { type }) => {
      const hard = type.toUpperCase() === 'HARD'
      requireState(context, server, hard ? 'hardReboot' : 'reboot', 'reboot')
      if (hard) refuseEnded(server, context.now())
      await ask(context, server, { action: 'reboot', args: { hard }, set: { wantPower: 'running' } })
      return undefined
    },
  }),
]
