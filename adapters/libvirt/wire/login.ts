import { CloudError } from '../../errors.ts'
import { unclear } from '../../shared/refusals.ts'
import { AUTH_POLKIT, type Procedure, SASL_BEGIN, SASL_GO_ON, SASL_WAYS } from './procedures.ts'
import { type Dialogue, plain, scram } from './scram.ts'
import { Malformed } from './xdr.ts'

/** As whom a host is logged in to that asks for it. */
export interface Login {
  username: string
  password: string
  /** Nobody listens on the line, so that the password itself may be said. */
  isPrivate: boolean
}

/** What a login needs of a session. */
interface Asking {
  call<A, R>(procedure: Procedure<A, R>, args: A): Promise<R>
}

const NONE = 0
const SASL = 1
const POLKIT = 2
/** What a server may still want to say once it was told everything. */
const MOST_ROUNDS = 4

const denied = (operatorMessage: string): CloudError =>
  new CloudError('denied', 'The cloud did not accept our credentials.', { operatorMessage })

/**
 * Logs in by whatever the host wants.
 * @param types ways that it names, by libvirt's numbers
 * @throws `denied` where it wants another one, or other credentials
 */
export const logIn = async (session: Asking, types: number[], login: Login | null): Promise<void> => {
  if (types.length === 0 || types.includes(NONE)) return
  if (types.includes(SASL) && login) return bySasl(session, login)
  if (types.includes(POLKIT)) {
    await session.call(AUTH_POLKIT, null)
    return
  }
  throw denied(
    types.includes(SASL)
      ? 'The host wants a login by SASL: the credentials need username and password.'
      : 'The host wants a login that is not spoken.',
  )
}

const dialogueFor = ({ username, password, isPrivate }: Login, offered: string[]): Dialogue => {
  if (offered.includes('SCRAM-SHA-256')) return scram(username, password)
  if (offered.includes('PLAIN') && isPrivate) return plain(username, password)
  throw denied(
    `The host takes logins by ${offered.join(', ') || 'nothing'}: spoken are SCRAM-SHA-256, and PLAIN where the line is TLS or a socket.`,
  )
}

const bySasl = async (session: Asking, login: Login): Promise<void> => {
  const { mechanisms } = await session.call(SASL_WAYS, null)
  const dialogue = dialogueFor(login, mechanisms.split(',').slice(0, 100))
  const { mechanism, first } = dialogue
  let proven = mechanism === 'PLAIN'
  let { complete, empty, data } = await session.call(SASL_BEGIN, { mechanism, empty: 0, data: [...first] })
  try {
    for (let round = 0; round < MOST_ROUNDS; round++) {
      const said = empty ? null : await dialogue.answer(Uint8Array.from(data))
      proven ||= !empty && said === null
      if (complete) break
      const next = { empty: said ? 0 : 1, data: said ? [...said] : [] }
      ;({ complete, empty, data } = await session.call(SASL_GO_ON, next))
    }
  } catch (error) {
    throw error instanceof Malformed ? unclear('logging in', error) : error
  }
  // A host that lets us in without having shown that it knows the password is not the one that was meant.
  if (!complete || !proven) throw unclear('logging in', new Malformed('a login without its end'))
}
