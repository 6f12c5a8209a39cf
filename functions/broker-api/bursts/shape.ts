import * as z from 'zod'
import type { Money } from '../../../db/schema/index.ts'
import type { BurstAsked } from '../../broker/burst/burst.ts'
import { LEASE, ruleFault, SPOT } from '../../broker/compute/metadata-rules.ts'
import { GROUP_POLICIES } from '../../broker/compute/place/group.ts'
import { microsOf } from '../../broker/line/amounts.ts'
import { dictionary } from '../../http/dictionary.ts'
import { badRequest } from '../../http/fault.ts'
import { amount, currency } from '../policy-shape.ts'

/** More members than this are no burst that anybody looks after. */
const MOST_MEMBERS = 1_000

const id = z.string().min(1).max(255)
const name = z.string().min(1).max(200)
const members = z.int().min(1).max(MOST_MEMBERS)
const count = z
  .strictObject({ min: members, max: members })
  .refine(({ min, max }) => min <= max, 'min must not be more than max')
const money = z.strictObject({ amount, currency })
const moment = z.iso.datetime({ offset: true }).max(40)
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/
const userData = z
  .string()
  .max(65_535)
  .refine((value) => value.length % 4 === 0 && BASE64.test(value), 'must be base64')
const metadataKey = z.string().regex(/^[a-zA-Z0-9\-_:. ]{1,255}$/, 'must be letters, digits and - _ : . or a blank')

export const burstGiven = z.strictObject({
  name,
  count,
  flavor: id.optional(),
  needs: z
    .strictObject({
      vcpus: z.int().min(1).max(100_000),
      ram: z.int().min(1).max(100_000_000),
      gpus: z.int().min(0).max(1_000).optional(),
    })
    .optional(),
  image: id,
  networks: z.union([z.array(id).min(1).max(64), z.literal('none')]).optional(),
  key_name: id.nullable().optional(),
  user_data: userData.nullable().optional(),
  availability_zone: id.nullable().optional(),
  security_groups: z.array(id).min(1).max(64).nullable().optional(),
  metadata: dictionary(metadataKey, z.string().max(255)).optional(),
  tags: z
    .array(z.string().regex(/^[^,/]{1,60}$/, 'must be 1 to 60 characters, none of them a comma or a slash'))
    .max(50)
    .optional(),
  spread: z.enum([...GROUP_POLICIES, 'none']).optional(),
  max_hourly_cost: money.nullable().optional(),
  budget: money.nullable().optional(),
  deadline: moment.nullable().optional(),
  lease: z.string().max(32).nullable().optional(),
  spot: z.enum(['never', 'allowed', 'preferred']).optional(),
  on_done: z.enum(['delete', 'stop', 'keep']).optional(),
})
export type BurstGiven = z.infer<typeof burstGiven>

export const burstChanged = z.strictObject({
  count: count.optional(),
  budget: money.nullable().optional(),
  deadline: moment.nullable().optional(),
})
export type BurstChanged = z.infer<typeof burstChanged>

export const reportGiven = z.strictObject({
  state: z.enum(['running', 'done', 'failed']),
  message: z.string().max(1_000).nullable().optional(),
})
export type ReportGiven = z.infer<typeof reportGiven>

const moneyIn = (given: z.infer<typeof money> | null | undefined): Money | null =>
  given ? { micros: microsOf(given.amount)!, currency: given.currency } : null

const timeIn = (given: string | null | undefined, now: number): number | null => {
  if (given === null || given === undefined) return null
  const at = Date.parse(given)
  if (Number.isNaN(at)) throw badRequest('deadline: must be a time as 2026-11-30T12:00:00Z')
  if (at <= now) throw badRequest('deadline: is over')
  return at
}

const metadataIn = ({ metadata = {}, lease, spot }: BurstGiven): Record<string, string> => {
  const said = { ...metadata, ...(lease && { [LEASE]: lease }), ...(spot && { [SPOT]: spot }) }
  const faults = Object.entries(said).flatMap(([key, value]) => ruleFault(key, value) ?? [])
  if (faults.length) throw badRequest(faults.join(' '))
  if (Object.keys(said).length > 120) throw badRequest('metadata: has more than 120 keys')
  return said
}

/** What was asked for, in the words of the broker. Throws 400 for what contradicts itself. */
export const burstIn = (given: BurstGiven, now: number): BurstAsked => {
  if ((given.flavor === undefined) === (given.needs === undefined))
    throw badRequest('flavor: either a flavor is named, or needs that one is chosen for')
  return {
    name: given.name,
    least: given.count.min,
    most: given.count.max,
    userData: given.user_data ?? null,
    maxHourlyCost: moneyIn(given.max_hourly_cost),
    budget: moneyIn(given.budget),
    deadline: timeIn(given.deadline, now),
    onDone: given.on_done ?? 'keep',
    spread: given.spread === 'none' ? null : (given.spread ?? 'soft-anti-affinity'),
    wish: {
      flavorId: given.flavor ?? null,
      needs: given.needs ? { gpus: 0, ...given.needs } : null,
      imageId: given.image,
      networks: given.networks ?? null,
      keyName: given.key_name ?? null,
      zone: given.availability_zone ?? null,
      securityGroups: given.security_groups ?? null,
      metadata: metadataIn(given),
      tags: [...new Set(given.tags ?? [])],
    },
  }
}

/** What is changed, in the words of the broker. */
export const changeIn = ({ count: asked, budget, deadline }: BurstChanged, now: number) => ({
  ...(asked && { least: asked.min, most: asked.max }),
  ...(budget !== undefined && { budget: moneyIn(budget) }),
  ...(deadline !== undefined && { deadline: timeIn(deadline, now) }),
})
