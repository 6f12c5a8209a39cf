import type { InterfaceSpec } from '../../../adapters/contract.ts'
import { finishPortActions, interfaceWork } from '../../../db/queries/compute/server-actions.ts'
import { deleteInterfaces, deleteServerPorts } from '../../../db/queries/compute/servers.ts'
import type { Context } from '../../context.ts'
import type { Write } from '../line/commit.ts'
import { unwanted } from '../line/resources.ts'
import { type Need, steps } from '../line/steps.ts'
import { freePorts, notePorts, removePorts } from '../network/port.ts'
import { portNeed } from './port.ts'

type Row = NonNullable<Awaited<ReturnType<typeof interfaceWork>>>

const serverNeed = ({ plugged }: Row): Need => ({
  kind: 'server',
  resourceId: plugged.serverId,
  projectId: plugged.projectId,
})
const port = ({ plugged }: Row): Need => portNeed({ id: plugged.portId, projectId: plugged.projectId })

/** The server does not hold it any more. What was made for the server goes, what a user brought is the user's again. */
const unplugged = (context: Context, { plugged, owned }: Row, failed: string | null): Write[] => {
  const { db } = context
  const { serverId, portId } = plugged
  const now = context.now()
  return [
    deleteInterfaces(db, { id: plugged.id }),
    deleteServerPorts(db, serverId, portId),
    ...(owned ? removePorts(context, [portId]) : freePorts(context, [portId])),
    finishPortActions(db, {
      serverId,
      portId,
      action: 'attach_interface',
      message: failed ?? 'The interface was taken out.',
      now,
    }),
    finishPortActions(db, { serverId, portId, action: 'detach_interface', message: null, now }),
  ]
}

/** A port in a server: plugged into one that runs, or adopted so that it can be taken out. */
export const interfaceSteps = steps<Row, InterfaceSpec>({
  kind: 'interface',
  realm: (cloud) => cloud.interface,
  load: ({ db }, { resourceId }) => interfaceWork(db, resourceId),
  needs: (_, row) => [serverNeed(row), port(row)],
  spec: (_, row, __, native) => ({ server: native(serverNeed(row)), port: native(port(row)) }),

  observe(context, { plugged, detach }, { want, phase }, seen) {
    if (want === 'absent' || detach !== null || seen.health !== 'ready' || phase === 'deleting') return []
    const { serverId, portId } = plugged
    return [
      ...notePorts(context, [portId], 'ACTIVE'),
      finishPortActions(context.db, {
        serverId,
        portId,
        action: 'attach_interface',
        message: null,
        now: context.now(),
      }),
    ]
  },

  failed(context, row, { phase }, error) {
    const { serverId, portId, id } = row.plugged
    // It could not be taken hold of in order to take it out: it stays in.
    if (row.detach !== null && phase !== 'bound')
      return [
        finishPortActions(context.db, {
          serverId,
          portId,
          action: 'detach_interface',
          message: error.message,
          now: context.now(),
        }),
        deleteInterfaces(context.db, { id }),
        unwanted(context, 'interface', id),
      ]
    return [...unplugged(context, row, error.message), unwanted(context, 'interface', id)]
  },

  gone: (context, row) => (row ? unplugged(context, row, null) : []),

  act: async (context, row) =>
    row.detach === null
      ? { settled: true, writes: [] }
      : { settled: false, writes: [unwanted(context, 'interface', row.plugged.id)] },
})
