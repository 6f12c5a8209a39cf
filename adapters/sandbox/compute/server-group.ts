import type { Realm, ServerGroupSpec } from '../../contract.ts'
import type { Engine } from '../engine.ts'
import { refusal } from '../errors.ts'
import { realm } from '../records/realm.ts'
import { ledgerOf } from './hosts.ts'

/** Groups of servers that are kept together or apart: what servers are told of theirs has to be there. */
export const serverGroups = (engine: Engine): Realm<ServerGroupSpec> =>
  realm(engine, {
    kind: 'server_group',
    readyMs: 0,
    draft: async (spec) => ({ name: spec.name, spec }),
    view: (_, seen) => seen,
    async inUse({ mark }) {
      for (const { name } of engine.settings.zones)
        if (mark && (await engine.claims.read(ledgerOf(mark.resource, name))).length)
          throw refusal('InUse', 'The group has servers.')
    },
    async release({ mark }) {
      for (const { name } of engine.settings.zones) if (mark) await engine.claims.drop(ledgerOf(mark.resource, name))
    },
  })
