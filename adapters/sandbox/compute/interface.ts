import type { InterfaceSpec, Realm, Seen } from '../../contract.ts'
import type { Engine } from '../engine.ts'
import { pairRealm } from '../records/pair-realm.ts'

/** Interfaces: a port plugged into a server that runs. One that the server was built with can be adopted as well. */
export const interfaces = (engine: Engine): Realm<InterfaceSpec> =>
  pairRealm<InterfaceSpec, Seen>(engine, {
    kind: 'interface',
    held: 'port',
    inborn: true,
    target: ({ port, server }) => ({ held: port, server }),
    spec: (port, { server }) => ({ server, port }),
    async plugIn({ server, port }) {
      await engine.state.change('server', server, (entity) =>
        entity.ports.includes(port) ? entity : { ...entity, ports: [...entity.ports, port] },
      )
      return null
    },
    view: (seen) => seen,
  })
