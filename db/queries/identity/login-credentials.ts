import { worded } from '../../worded.ts'
import type { CredentialRow } from './application-credentials.ts'
import { type Naming, named, USER } from './naming.ts'

/** By id, or by user and name. */
export type CredentialNaming = { id: string } | { user: Naming; name: string }

/** A credential as far as a login has to know. */
export interface LoginCredential extends Pick<CredentialRow, 'id' | 'userId' | 'projectId' | 'name' | 'secretHash'> {
  roles: string[]
  expiresAt: number | null
  unrestricted: boolean
  /** It has access rules. */
  ruled: boolean
}

/** As SQL, the id of the credential that is named, or null. */
export const CREDENTIAL = `(select id from application_credentials
  where id = :credential.id or (user_id = ${USER} and name = :credential.name))`
/** As SQL, whose that credential is. */
export const ofCredential = (column: 'user_id' | 'project_id') =>
  `(select ${column} from application_credentials where id = ${CREDENTIAL})`

/** The values of a naming, under the names that the SQL above has for them. */
export const namedCredential = (which: CredentialNaming) =>
  'id' in which
    ? { 'credential.id': which.id, 'credential.name': null, ...named('user', {}) }
    : { 'credential.id': null, 'credential.name': which.name, ...named('user', which.user) }

/** The statement that reads the named credential, and what its rows mean; null: there is none. */
export const loginCredential = worded(`select c.id, c.user_id as userId, c.project_id as projectId, c.name,
    c.secret_hash as secretHash, c.roles, c.expires_at as expiresAt, c.unrestricted,
    exists (select 1 from credential_rules r where r.credential_id = c.id) as ruled
  from application_credentials c where c.id = ${CREDENTIAL}`)
type Row = Omit<LoginCredential, 'roles' | 'unrestricted' | 'ruled'> & {
  roles: string
  unrestricted: number
  ruled: number
}
export const credentialFrom = ([row]: Row[]): LoginCredential | null =>
  row ? { ...row, roles: JSON.parse(row.roles), unrestricted: row.unrestricted === 1, ruled: row.ruled === 1 } : null
