import { CloudError } from '../../../adapters/errors.ts'
import { type Binding, bindingsOn, forgetGone, insertBinding, type Ref } from '../../../db/queries/line/bindings.ts'
import type { Context } from '../../context.ts'
import { kinds } from '../kinds/index.ts'
import { epochOf } from '../line/epoch.ts'
import type { Natives, Need } from '../line/steps.ts'

/** Something that a resource needs will never be there. */
export class NeedFailed extends Error {
  readonly error: CloudError
  constructor(error: CloudError) {
    super(error.message)
    this.name = 'NeedFailed'
    this.error = error
  }
}

/** How soon to look again when another resource is still being made, in milliseconds. */
const PAUSE = 500

/**
 * Realises on the binding's cloud what it needs, where that has not happened yet. Gives a look-up of native ids, or
 * the time to come back while something is still on its way. Throws `NeedFailed`.
 */
export const bindNeeds = async (context: Context, binding: Binding, needs: Need[]): Promise<Natives | number> => {
  if (!needs.length) return lookup([])
  const refs = needs.map((need) => ({ ...need, cloudId: binding.cloudId, scope: need.scope ?? '' }))
  const read = () =>
    bindingsOn(
      context.db,
      binding.cloudId,
      refs.map((ref) => ref.resourceId),
    )
  let found = await read()
  for (const ref of refs) {
    const there = match(found, ref)
    // What waits after a refusal is left to wait, however many need it.
    if (isMet(ref, there) || (there?.dueAt ?? 0) > context.now()) continue
    // Its cloud lets go of it first.
    if (there && there.want === 'absent' && there.phase !== 'gone') await context.converge(context, ref)
    if (!there || (await returns(context, there))) {
      const now = context.now()
      await context.db.batch([
        forgetGone(context.db, ref),
        insertBinding(context.db, { ...ref, token: context.newId(), epoch: epochOf(now), now }),
      ])
    }
    await context.converge(context, ref)
    found = await read()
  }
  let comeBack = 0
  for (const ref of refs) {
    const there = match(found, ref)
    if (there && (there.want === 'absent' || there.phase === 'gone') && !(await returns(context, there)))
      throw new NeedFailed(new CloudError('definitive', `The ${name(ref)} ${ref.resourceId} was deleted.`))
    if (there?.phase === 'failed' && there.want === 'present')
      throw new NeedFailed(
        new CloudError(
          there.error?.code ?? 'definitive',
          there.error?.message ?? `The ${name(ref)} could not be made.`,
        ),
      )
    if (!isMet(ref, there)) comeBack = Math.max(comeBack, there?.dueAt ?? 0, context.now() + PAUSE)
  }
  return comeBack || lookup(found)
}

/** It is on its way off the cloud, is there above the line, and so comes back as soon as the cloud has let go of it. */
const returns = async (context: Context, binding: Binding): Promise<boolean> => {
  const { returns, load } = kinds[binding.kind]
  return returns === true && binding.want === 'absent' && (await load(context, binding)) !== null
}

const isMet = ({ atRest }: Need, there: Binding | undefined): boolean =>
  there?.phase === 'bound' && there.want === 'present' && !(atRest && there.dueAt !== null)

const name = (ref: Pick<Ref, 'kind'>) => ref.kind.replace('_', ' ')

const match = (bindings: Binding[], ref: Pick<Ref, 'kind' | 'resourceId' | 'scope'>) =>
  bindings.find((b) => b.kind === ref.kind && b.resourceId === ref.resourceId && b.scope === ref.scope)

/** Native ids of what is bound. */
export const lookup = (bindings: Binding[]): Natives => {
  const orNull: Natives['orNull'] = ({ kind, resourceId, scope = '' }) =>
    match(bindings, { kind, resourceId, scope })?.nativeId ?? null
  const native = (need: Parameters<Natives>[0]) => {
    const id = orNull(need)
    if (!id) throw new Error(`${need.kind} ${need.resourceId} is not bound`)
    return id
  }
  return Object.assign(native, { orNull })
}
