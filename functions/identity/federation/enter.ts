import { mappingById, type ProtocolRow } from '../../../db/queries/federation/federation.ts'
import { isTaken } from '../../broker/line/refused.ts'
import type { Context, OidcProvider } from '../../context.ts'
import { forbidden } from '../../http/fault.ts'
import type { Answer } from '../../http/operation.ts'
import type { Proven } from '../authenticate.ts'
import { isEnough } from '../proofs/factors.ts'
import { receiptFor } from '../proofs/receipts.ts'
import { idpOf } from './identity-providers.ts'
import { mapClaims, type Rules, Unmapped, type Version } from './mapping.ts'
import { protocolOf } from './protocols.ts'
import { assertionOf, refused, type Said } from './provider.ts'
import { enterAs } from './shadow.ts'

/** Where mod_auth_openidc says who issued a token, and Keystone looks by default. */
const ISSUER = 'HTTP_OIDC_ISS'

/** What lets users of an identity provider in by a protocol, and where the operator says that it is. */
export interface Way {
  provider: OidcProvider
  protocol: ProtocolRow
}

/** 404 for a way that there is not, 403 for one that is switched off, or of which nobody said where it leads. */
export const wayOf = async (context: Context, idpId: string, protocolId: string): Promise<Way> => {
  const idp = await idpOf(context, idpId)
  const protocol = await protocolOf(context, idpId, protocolId)
  if (!idp.enabled) throw forbidden(`Identity Provider ${idp.id} is disabled`)
  const provider = context.settings.oidc.find((each) => each.idp === idp.id)
  if (!provider) throw forbidden(`Where Identity Provider ${idp.id} is reached is not said by the operator.`)
  return { provider, protocol }
}

/**
 * Who a provider's claims say that a user is, as one of ours. 401 and 403 for whoever does not fit; an answer, in place of
 * it, to who has to prove more.
 */
export const enterBy = async (
  context: Context,
  { provider, protocol }: Way,
  said: Said,
): Promise<Proven | { answer: Answer }> => {
  const idp = await idpOf(context, protocol.idpId)
  const claims = assertionOf(said)
  const [issuer] = claims.get(protocol.remoteIdAttribute ?? ISSUER) ?? []
  if (idp.remoteIds.length && (issuer === undefined || !idp.remoteIds.includes(issuer)))
    throw forbidden('Incoming identity provider identifier not included among the accepted identifiers.')
  const mapping = await mappingById(context.db, protocol.mappingId)
  if (!mapping) throw refused(context, provider, 'the mapping is gone')
  const version = mapping.schemaVersion as Version
  try {
    const mapped = mapClaims(mapping.rules as unknown as Rules, version, claims)
    const entering = () => enterAs(context, { idp, protocol, version, mapped })
    // Who was made meanwhile, by another first login, is found.
    const proven = await entering().catch((error) => (isTaken(error) ? entering() : Promise.reject(error)))
    const { user, methods, ends, federation } = proven
    return (await isEnough(context, user, methods))
      ? proven
      : { answer: receiptFor(context, user, { methods, ends, federation }) }
  } catch (error) {
    if (error instanceof Unmapped) throw refused(context, provider, error.message)
    throw error
  }
}
