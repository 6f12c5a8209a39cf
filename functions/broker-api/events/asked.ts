import * as z from 'zod'
import { projectById } from '../../../db/queries/identity/identity.ts'
import { NOTICES } from '../../broker/line/notices.ts'
import { type Place, placeIn } from '../../broker/notices/reading.ts'
import type { Context } from '../../context.ts'
import { badRequest } from '../../http/fault.ts'
import { noProject } from '../lookup.ts'

/** What of a project's events is asked for. */
export const askedFor = {
  types: z.string().max(1000).optional(),
  project_id: z.string().max(64).optional(),
}

/** Administrators may name any project, all others have their own: one that is another's is as none. */
export const projectAsked = async (context: Context, named: string | undefined): Promise<string> => {
  const own = context.caller!.projectId
  if (named === undefined || named === own) return own
  if (!context.caller!.isAdmin || !(await projectById(context.db, named))) throw noProject(named)
  return named
}

/** Types by commas, or as a list. @returns null: all */
export const typesAsked = (words: string | undefined): Set<string> | null => {
  if (words === undefined) return null
  const types = words.split(',').map((word) => word.trim())
  for (const type of types) assertType(type)
  return new Set(types)
}

/** 400 for a type that is none. */
export const assertType = (type: string): void => {
  if (!Object.hasOwn(NOTICES, type)) throw badRequest(`types: there are no events of type ${type}.`)
}

/** The place that a reader hands back. 400: it is none. */
export const placeAsked = (name: string, mark: string): Place => {
  const place = placeIn(mark)
  if (!place) throw badRequest(`${name}: ${mark.slice(0, 100)} is no place in the events of a project.`)
  return place
}
