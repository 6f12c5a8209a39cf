import { RE2JS } from 're2js'
import * as z from 'zod'

/*
 * Rules that make a user, groups and projects of what an identity provider says: Keystone's mapping engine
 * (https://docs.openstack.org/keystone/latest/admin/federation/mapping_combinations.html, keystone/federation/utils.py).
 * Expressions are RE2's, which are linear in what they are tried on.
 */

/** What a provider says: each name with its values. */
export type Claims = ReadonlyMap<string, readonly string[]>

const name = z.string().max(1024)
const domain = z.strictObject({ id: name.optional(), name: name.optional() })
const role = z.strictObject({ name })
const project = z.strictObject({ name, roles: z.array(role).max(100), domain: domain.optional() })
const local = z.strictObject({
  user: z
    .strictObject({
      id: name.optional(),
      name: name.optional(),
      email: name.optional(),
      domain: domain.optional(),
      type: z.enum(['ephemeral', 'local']).optional(),
    })
    .optional(),
  projects: z.array(project).max(100).optional(),
  projects_json: name.optional(),
  group: z.union([z.strictObject({ id: name }), z.strictObject({ name, domain })]).optional(),
  groups: name.optional(),
  group_ids: name.optional(),
  domain: domain.optional(),
})
const values = z.array(name).max(1000)
const remote = z.union([
  z.strictObject({ type: name }),
  z.strictObject({ type: name, any_one_of: values, regex: z.boolean().optional() }),
  z.strictObject({ type: name, not_any_of: values, regex: z.boolean().optional() }),
  z.strictObject({ type: name, blacklist: values, regex: z.boolean().optional() }),
  z.strictObject({ type: name, whitelist: values, regex: z.boolean().optional() }),
])
const rule = z.strictObject({ local: z.array(local).max(100), remote: z.array(remote).min(1).max(100) })

/** The rules of a mapping, each expression of which is one. */
export const rulesSchema = z
  .array(rule)
  .min(1)
  .max(100)
  .superRefine((rules, context) => {
    for (const each of rules.flatMap(({ remote: asked }) => asked))
      if ('regex' in each && each.regex)
        for (const text of listOf(each) ?? [])
          if (expressionOf(text) === null)
            context.addIssue({ code: 'custom', message: `${text.slice(0, 100)} is no regular expression` })
  })
export type Rules = z.infer<typeof rulesSchema>
type Remote = z.infer<typeof remote>
type Domain = z.infer<typeof domain>

export const VERSIONS = ['1.0', '2.0', '3.0'] as const
export type Version = (typeof VERSIONS)[number]

const listOf = (asked: Remote): string[] | undefined =>
  'any_one_of' in asked
    ? asked.any_one_of
    : 'not_any_of' in asked
      ? asked.not_any_of
      : 'blacklist' in asked
        ? asked.blacklist
        : 'whitelist' in asked
          ? asked.whitelist
          : undefined

const LONGEST = 1024
const expressionOf = (text: string): RE2JS | null => {
  if (text.length > LONGEST) return null
  try {
    return RE2JS.compile(text)
  } catch {
    return null
  }
}

/** Whom, with which groups and projects, a provider's claims stand for. */
export interface Mapped {
  user: {
    id?: string | undefined
    name?: string | undefined
    email?: string | undefined
    domain?: Domain | undefined
    type: 'ephemeral' | 'local'
  }
  groupIds: string[]
  groups: { name: string; domain: Domain }[]
  projects: z.infer<typeof project>[]
}

/** Why claims stand for nobody, as a sentence for the operator. */
export class Unmapped extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'Unmapped'
  }
}

const matched = (asked: Remote, had: readonly string[]): Set<string> => {
  const list = listOf(asked) ?? []
  if (!('regex' in asked && asked.regex)) return new Set(had.filter((value) => list.includes(value)))
  const expressions = list.map(expressionOf).filter((each) => each !== null)
  return new Set(had.filter((value) => expressions.some((each) => each.matcher(value).find())))
}

/** The values that `{0}`, `{1}`… stand for in a rule; null: the rule is not for these claims. */
const placesOf = (asked: Remote[], claims: Claims): (readonly string[])[] | null => {
  const places: (readonly string[])[] = []
  for (const each of asked) {
    const had = claims.get(each.type)
    if (!had?.length) return null
    const fits = matched(each, had)
    if ('any_one_of' in each) {
      if (fits.size === 0) return null
    } else if ('not_any_of' in each) {
      if (fits.size > 0) return null
    } else if ('blacklist' in each) places.push(had.filter((value) => !fits.has(value)))
    else if ('whitelist' in each) places.push(had.filter((value) => fits.has(value)))
    else places.push(had)
  }
  return places
}

const PLACE = /\{(\d{1,3})\}/g
const ONE_PLACE = /^\{(\d{1,3})\}$/
const placeOf = (places: (readonly string[])[], text: string): readonly string[] => {
  const found = places[Number(text)]
  if (!found) throw new Unmapped(`a rule names {${text}}, and there is none`)
  return found
}

/** A text with what its places stand for, each of one value. */
const filled = (text: string, places: (readonly string[])[]): string =>
  text.replace(PLACE, (_, at: string) => {
    const found = placeOf(places, at)
    if (found.length > 1) throw new Unmapped(`{${at}} stands for several values where one is wanted`)
    return found[0] ?? ''
  })
/** The same where a list is wanted: a text that is one place and nothing else stands for all of its values. */
const filledList = (text: string, places: (readonly string[])[]): string[] => {
  const [, at] = ONE_PLACE.exec(text) ?? []
  return at === undefined ? [filled(text, places)] : [...placeOf(places, at)]
}

const deep = <T>(value: T, places: (readonly string[])[]): T => {
  if (typeof value === 'string') return filled(value, places) as T
  if (Array.isArray(value)) return value.map((each) => deep(each, places)) as T
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, deep(each, places)])) as T
}

const listed = z.array(project).max(100)
const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    throw new Unmapped('projects_json is not JSON')
  }
}
/** Of a text that is one place its value is read; in any other, what claims say is put into what was read: it is text, and says no JSON. */
const projectsIn = (text: string, places: (readonly string[])[]): Mapped['projects'] => {
  const given = ONE_PLACE.test(text) ? parsed(filled(text, places)) : deep(parsed(text), places)
  const read = listed.safeParse(given)
  if (!read.success) throw new Unmapped('projects_json is no list of projects with roles')
  return read.data
}

/** What the rules make of claims. Throws `Unmapped` where no rule is for them, or they do not say who the user is. */
export const mapClaims = (rules: Rules, version: Version, claims: Claims): Mapped => {
  let user: Mapped['user'] | null = null
  let projects: Mapped['projects'] = []
  const groupIds = new Set<string>()
  const groups: Mapped['groups'] = []
  let any = false
  for (const { local: made, remote: asked } of rules) {
    const places = placesOf(asked, claims)
    if (!places) continue
    any = true
    for (const each of made) {
      const own = each.domain && deep(each.domain, places)
      if (each.user && !user) {
        const said = deep(each.user, places)
        const place = said.domain ?? (version === '1.0' ? undefined : own)
        user = { ...said, type: said.type ?? 'ephemeral', ...(place ? { domain: place } : {}) }
      }
      if (each.group) {
        const said = deep(each.group, places)
        if ('id' in said) groupIds.add(said.id)
        else groups.push(said)
      }
      if (each.groups !== undefined) {
        if (!own) throw new Unmapped("Both 'groups' and 'domain' keywords must be specified")
        groups.push(...filledList(each.groups, places).map((one) => ({ name: one, domain: own })))
      }
      if (each.group_ids !== undefined) for (const id of filledList(each.group_ids, places)) groupIds.add(id)
      const said =
        each.projects_json !== undefined && version === '3.0'
          ? projectsIn(each.projects_json, places)
          : each.projects && deep(each.projects, places)
      if (said)
        projects =
          version === '1.0'
            ? said
            : said.map((one) => ({ ...one, ...((one.domain ?? own) ? { domain: one.domain ?? own } : {}) }))
    }
  }
  if (!any || !user) throw new Unmapped('Could not map any federated user properties to identity values.')
  return { user, groupIds: [...groupIds], groups, projects }
}
