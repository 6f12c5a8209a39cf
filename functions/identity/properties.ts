import * as z from 'zod'
import type { ProjectRow } from '../../db/queries/identity/identity.ts'
import { conflict } from '../http/fault.ts'

/** Keystone keeps what it does not know beside what it does, and shows it again. */
const MAX_PROPERTIES = 16_384

/** The properties in a body that have no column of their own. */
export const extraOf = (body: Record<string, unknown>, known: readonly string[]): ProjectRow['extra'] => {
  const extra = Object.fromEntries(Object.entries(body).filter(([key]) => !known.includes(key))) as ProjectRow['extra']
  if (JSON.stringify(extra).length > MAX_PROPERTIES) throw conflict('The properties are too large.')
  return extra
}

export const nameText = z.string().min(1).max(255).regex(/\S/, 'must not be blank')
