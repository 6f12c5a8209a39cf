import type { Cloud, Json, ServerSeen, VolumeSeen } from '../../adapters/contract.ts'
import { CloudError } from '../../adapters/errors.ts'
import { canonical } from '../../adapters/sandbox/records/hash.ts'
import type { ServerRow } from '../../db/queries/compute/servers.ts'
import { type Binding, bindingsOn } from '../../db/queries/line/bindings.ts'
import { bindings, drift } from '../../db/schema/index.ts'
import { connectCloud } from '../../functions/broker/clouds/clouds.ts'
import { lookup } from '../../functions/broker/converge/needs.ts'
import { kinds } from '../../functions/broker/kinds/index.ts'
import type { Context } from '../../functions/context.ts'

type Plain = Record<string, Json>

/**
 * What the rows ask of an object and the cloud does not have, though everything is at rest: names, rules, routes, sizes,
 * targets, power. Wished is what an update would send; had is what the cloud reads out of its memory. A server's
 * difference that is reported as drift is nobody's secret.
 */
export const unlikeWished = async (
  context: Context,
  excused: (binding: Binding) => boolean = () => false,
): Promise<string[]> => {
  const reported = new Set(
    (await context.db.select().from(drift)).map(({ kind, resourceId }) => `${kind} ${resourceId}`),
  )
  const faults: string[] = []
  for (const binding of await context.db.select().from(bindings)) {
    if (binding.phase !== 'bound' || binding.want !== 'present' || binding.projectId === '') continue
    if (excused(binding) || reported.has(`${binding.kind} ${binding.resourceId}`)) continue
    const { cloud } = await connectCloud(context, binding.cloudId, binding.projectId, { throughBreaker: true })
    for (const what of await differences(context, cloud, binding)) faults.push(`not as wished: ${binding.kind} ${what}`)
  }
  return faults
}

const differences = async (context: Context, cloud: Cloud, binding: Binding): Promise<string[]> => {
  const { kind, nativeId } = binding
  const row = await kinds[kind].load(context, binding)
  const realm = kinds[kind].realm(cloud)!
  // What never came to be takes no change.
  const seen = await realm.get(nativeId!)
  if (seen && seen.health !== 'ready') return []
  const [end, server] = nativeId!.split('@') as [string, string]
  const read = kind === 'interface' ? { spec: { port: end, server } } : await realm.read!(nativeId!)
  if (!row || !read) return [row ? 'is not there' : 'has no row']
  const wished = inOrder(await wish(context, row, binding).catch(untold))
  const had = inOrder({ ...(read.spec as Plain), ...(kind === 'volume' ? typeOf(wished, seen as VolumeSeen) : {}) })
  return [
    ...Object.keys(wished)
      // Of what a guest runs at its first start the cloud keeps nothing.
      .filter((key) => key !== 'userData' && canonical(wished[key]) !== canonical(had[key]))
      .map((key) => `${key}: ${canonical(had[key])}, not ${canonical(wished[key])}`),
    ...(kind === 'server' ? powerOf((row as { server: ServerRow }).server, await cloud.server.get(nativeId!)) : []),
  ]
}

/** Where no type is named, any will do. */
const typeOf = (wished: Plain, seen: VolumeSeen): Plain => ({ type: wished.type === null ? null : (seen.type ?? null) })

/** It stands on what was deleted since, so nobody would make it again. Anything else is a wish that cannot be fulfilled. */
const untold = (error: Error): Plain =>
  error instanceof CloudError && error.code === 'definitive' ? {} : { wish: error.message }

/** The specification that an update of the object would send now. */
const wish = async (context: Context, row: unknown, binding: Binding): Promise<Plain> => {
  const { needs, spec } = kinds[binding.kind]
  const needed = (await needs(context, row, binding, 'apply')).map(({ resourceId }) => resourceId)
  const natives = lookup(await bindingsOn(context.db, binding.cloudId, needed))
  return (await spec(context, row, binding, natives, 'apply')) as Plain
}

/** Lists whose order says nothing: rules, interfaces, groups. */
const inOrder = (spec: Plain): Plain =>
  Object.fromEntries(
    Object.entries(spec).map(([key, value]) => [
      key,
      Array.isArray(value) ? value.map((each) => canonical(each)).sort() : value,
    ]),
  )

const powerOf = (server: ServerRow, seen: ServerSeen | null): string[] =>
  server.launchedAt === null || server.status === 'ERROR' || seen?.power === server.wantPower
    ? []
    : [`power: ${seen?.power}, not ${server.wantPower}`]
