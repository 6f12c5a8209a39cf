import type { Person } from '../../../db/queries/identity/logins.ts'
import type { Caller, Context } from '../../context.ts'
import { keyring } from '../../crypto/keyring.ts'
import { open, seal } from '../../crypto/seal.ts'
import { Fault } from '../../http/fault.ts'
import type { Answer } from '../../http/operation.ts'
import { keystoneTime } from '../views.ts'
import { rulesFor } from './factors.ts'

/* What a user is given who has proved something, and not yet enough: https://docs.openstack.org/keystone/latest/admin/auth-totp.html */

const RECEIPT = 'Openstack-Auth-Receipt'
/** `[receipt] expiration` of Keystone. */
const LASTS = 300_000
const AAD = 'receipt'

/** What was proved so far, and what limits whoever did. */
export interface ProvenSoFar {
  methods: string[]
  /** What he proved it by ends then; milliseconds since 1970; null: it does not. */
  ends: number | null
  federation?: Caller['federation']
}

interface Claims extends ProvenSoFar {
  user: string
  /** What ends the user's tokens ends receipts too. */
  epoch: number
  issued: number
}

const keysOf = ({ settings }: Context) => keyring(settings.secretKeys, 'token')

/** What a receipt says that its user proved already; null without one. 401 for one that is not this user's, or is over. */
export const provenBefore = (
  context: Context,
  headers: Headers,
  user: Pick<Person, 'id' | 'epoch'>,
): ProvenSoFar | null => {
  const text = headers.get(RECEIPT)
  if (!text) return null
  const plain = open(text, AAD, keysOf(context))
  const claims = plain === null ? null : (JSON.parse(plain) as Claims)
  const now = context.now()
  if (!claims || claims.user !== user.id || claims.epoch !== user.epoch || now >= claims.issued + LASTS)
    throw new Fault(401, 'Could not find auth receipt.')
  return claims
}

/** The 401 with a receipt for what was proved. */
export const receiptFor = (context: Context, user: Person, proven: ProvenSoFar): Answer => {
  const issued = context.now()
  const claims: Claims = { user: user.id, epoch: user.epoch, issued, ...proven }
  return {
    status: 401,
    headers: { [RECEIPT]: seal(JSON.stringify(claims), AAD, keysOf(context)) },
    body: {
      receipt: {
        methods: proven.methods,
        user: { id: user.id, name: user.name, domain: { id: user.domainId, name: user.domainName } },
        expires_at: keystoneTime(issued + LASTS),
        issued_at: keystoneTime(issued),
      },
      required_auth_methods: rulesFor(user),
    },
  }
}
