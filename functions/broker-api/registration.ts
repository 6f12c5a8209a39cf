import * as z from 'zod'
import { type Registration, registrationFaults } from '../broker/clouds/registration.ts'
import type { Context } from '../context.ts'
import { dictionary } from '../http/dictionary.ts'
import { badRequest } from '../http/fault.ts'

/** A name is the first part of its zones' names, which Nova divides at colons and we at the first dot. */
const name = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9-]{0,40}[a-z0-9])?$/, 'must be lower-case letters, digits and inner dashes')
const settings = {
  endpoint: z.string().max(2048).nullish(),
  region: z.string().max(64).nullish(),
  options: dictionary(z.string(), z.json()).optional(),
  /** Looked at by hand: a schema's complaint would repeat them. */
  credentials: z.unknown().optional(),
  enabled: z.boolean().optional(),
  position: z.int().min(0).max(1_000_000).optional(),
}

export const creation = z.object({ cloud: z.strictObject({ name, type: z.string().max(64), ...settings }) })
export const change = z.object({ cloud: z.strictObject(settings) })

/** Texts by name, none of which is ever repeated in an answer. */
export const credentialsIn = (value: unknown): Record<string, string> => {
  if (value === undefined || value === null) return {}
  if (typeof value !== 'object' || Array.isArray(value))
    throw badRequest('cloud.credentials: must be an object of texts')
  for (const [key, each] of Object.entries(value))
    if (typeof each !== 'string' || each.length > 16_384) throw badRequest(`cloud.credentials.${key}: must be a text`)
  return value as Record<string, string>
}

/** 400 with every reason for which a cloud cannot be registered like this. */
export const assertSound = async (context: Context, cloud: Registration): Promise<void> => {
  const faults = await registrationFaults(context, cloud)
  if (faults.length) throw badRequest(faults.join(' '))
}
