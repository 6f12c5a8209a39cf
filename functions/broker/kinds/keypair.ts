import type { KeypairSpec } from '../../../adapters/contract.ts'
import { type KeypairRow, keypairById, keypairKept } from '../../../db/queries/compute/keypairs.ts'
import type { Context } from '../../context.ts'
import { type Need, steps } from '../line/steps.ts'

/**
 * A keypair as something else needs it. It is realised once per project, because the projects of one user may be
 * different accounts on the same cloud: the scope of the binding is the project's id.
 */
export const keypairNeed = (keypair: Pick<KeypairRow, 'id'>, projectId: string): Need => ({
  kind: 'keypair',
  resourceId: keypair.id,
  scope: projectId,
  projectId,
})

/**
 * The fingerprint is in the name, so that a name never means another key; keypair and project are, so that removing one
 * never takes another's.
 */
export const nameOnCloud = (
  context: Pick<Context, 'deployment'>,
  keypair: Pick<KeypairRow, 'id' | 'fingerprint'>,
  projectId: string,
): string =>
  [
    'plimsoll',
    context.deployment.id,
    keypair.fingerprint.replaceAll(':', ''),
    keypair.id.slice(0, 8),
    projectId.slice(0, 8),
  ].join('-')

interface Loaded extends Pick<KeypairRow, 'id' | 'userId' | 'name' | 'publicKey' | 'fingerprint'> {
  /** Its user has deleted it, and a server was admitted with it before. */
  kept: boolean
}

const load = async ({ db }: Context, id: string): Promise<Loaded | null> => {
  const keypair = await keypairById(db, id)
  if (keypair) return { ...keypair, kept: false }
  const kept = await keypairKept(db, id)
  return kept?.keypair ? { userId: kept.userId, name: kept.name, ...kept.keypair, kept: true } : null
}

/** Public keys, imported where a server first needs them. */
export const keypairSteps = steps<Loaded, KeypairSpec>({
  kind: 'keypair',
  realm: (cloud) => cloud.keypair,
  load: (context, { resourceId }) => load(context, resourceId),
  kept: ({ kept }) => kept,
  owner: ({ userId }) => userId,
  needs: () => [],
  spec: (context, keypair, binding) => ({
    name: nameOnCloud(context, keypair, binding.projectId),
    label: keypair.name,
    publicKey: keypair.publicKey,
  }),
})
