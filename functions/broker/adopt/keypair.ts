import type { KeypairSpec } from '../../../adapters/contract.ts'
import { insertKeypair, type KeypairRow, keypairById, keypairNamed } from '../../../db/queries/compute/keypairs.ts'
import { userById } from '../../../db/queries/identity/identity.ts'
import { sshFingerprint } from '../../crypto/ssh-key.ts'
import { nameOnCloud } from '../kinds/keypair.ts'
import { type Adopter, NotAdoptable } from './plan.ts'

/**
 * A key of ours, and the row of its user where this database lost that. What the cloud shows has to be the key that its
 * name speaks of, so that nobody's name ever means another key.
 */
export const takeKeypair: Adopter = async (plan, item, { mark }, read) => {
  const { context } = plan
  const { name, label, publicKey } = read.spec as KeypairSpec
  // Another project may have the same key on the same cloud.
  item.scope = item.projectId
  const userId = mark?.user
  if (userId === undefined) throw new NotAdoptable('Its mark does not say which user it belongs to.')
  const fingerprint = sshFingerprint(publicKey) ?? ''
  const told = { id: item.resourceId, fingerprint }
  if (nameOnCloud(context, told, item.projectId) !== name)
    throw new NotAdoptable(`It is not the key that its name ${name} speaks of.`)
  const known = await keypairById(context.db, item.resourceId)
  if (known) return refuseOther(known, { userId, fingerprint })
  if (!(await userById(context.db, userId))) throw new NotAdoptable(`There is no user ${userId}.`)
  if (!label) throw new NotAdoptable('The cloud does not tell what its user calls it.')
  if (await keypairNamed(context.db, userId, label))
    throw new NotAdoptable(`User ${userId} has another keypair ${label} by now.`)
  const row = { ...told, userId, name: label, type: 'ssh' as const, publicKey, createdAt: context.now() }
  plan.write(insertKeypair(context.db, row))
}

const refuseOther = (known: KeypairRow, seen: Pick<KeypairRow, 'userId' | 'fingerprint'>): void => {
  if (known.userId !== seen.userId || known.fingerprint !== seen.fingerprint)
    throw new NotAdoptable(`Keypair ${known.id} is another key, or another user's.`)
}
