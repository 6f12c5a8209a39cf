import { deleteKeypair, insertKeypair, type KeypairRow, keypairsFull } from '../../../db/queries/compute/keypairs.ts'
import { keypairAwaited } from '../../../db/queries/line/awaited.ts'
import type { Context } from '../../context.ts'
import { certificateFingerprint, newUserCertificate } from '../../crypto/certificate.ts'
import { asSshKey, newRsaPair, sshFingerprint } from '../../crypto/ssh-key.ts'
import { commit, guard } from '../line/commit.ts'
import { quotaDefaults } from '../line/quota.ts'
import { withdrawn } from '../line/resources.ts'

/** What was given as a public key is none. */
export class InvalidKey extends Error {}

export interface KeypairWish {
  userId: string
  name: string
  type: 'ssh' | 'x509'
  /** Absent: a pair is made, and its private half is given away and forgotten. */
  publicKey?: string | undefined
}

/** Nothing crosses the line yet: a cloud gets the key when a server there needs it. Refused with guard `key_pairs`, or taken. */
export const createKeypair = async (
  context: Context,
  { userId, name, type, publicKey }: KeypairWish,
): Promise<{ keypair: KeypairRow; privateKey?: string }> => {
  const given = publicKey === undefined ? await generate(type, userId, context.now()) : { publicKey }
  const keypair: KeypairRow = {
    id: context.newId(),
    userId,
    name,
    type,
    publicKey: given.publicKey,
    fingerprint: fingerprintOf(type, given.publicKey),
    createdAt: context.now(),
  }
  // The fingerprint, so that a repetition never passes for the first with another private key in its answer.
  const detail = { name, fingerprint: keypair.fingerprint }
  await commit(context, { action: 'create', kind: 'keypair', resourceId: keypair.id, detail }, [
    guard(context, 'key_pairs', keypairsFull(userId, context.caller?.projectId ?? '', quotaDefaults.compute.key_pairs)),
    insertKeypair(context.db, keypair),
  ])
  return { keypair, ...('privateKey' in given ? { privateKey: given.privateKey } : {}) }
}

const generate = async (type: KeypairRow['type'], userId: string, now: number) => {
  if (type === 'ssh') return asSshKey(await newRsaPair())
  const { certificate, privateKey } = await newUserCertificate(userId, now)
  return { publicKey: certificate, privateKey }
}

const fingerprintOf = (type: KeypairRow['type'], publicKey: string): string => {
  if (type === 'ssh') {
    const fingerprint = sshFingerprint(publicKey)
    if (!fingerprint) throw new InvalidKey('failed to generate fingerprint')
    return fingerprint
  }
  try {
    return certificateFingerprint(publicKey)
  } catch (error) {
    throw new InvalidKey(
      `failed to generate X509 fingerprint. Error message: ${error instanceof Error ? error.message : error}`,
    )
  }
}

/**
 * Forgets the key at once; clouds that have it let go of it afterwards. Servers keep what they booted with, and those that
 * were admitted before still boot with it.
 */
export const removeKeypair = async (context: Context, keypair: KeypairRow): Promise<void> => {
  await commit(context, { action: 'delete', kind: 'keypair', resourceId: keypair.id, detail: { name: keypair.name } }, [
    ...withdrawn(context, 'keypair', keypair.id, keypairAwaited(keypair.id)),
    deleteKeypair(context.db, keypair.id),
  ])
}
