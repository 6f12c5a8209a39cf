import { type CloudRow, cloudByName } from '../../db/queries/clouds/clouds.ts'
import type { Context } from '../context.ts'
import { notFound } from '../http/fault.ts'
import { exact } from '../http/times.ts'

export const noProject = (id: string) => notFound(`There is no project ${id}.`)
export const noCloud = (name: string) => notFound(`There is no cloud named ${name}.`)

/** The cloud of that name; 404 if there is none. */
export const cloudNamed = async (context: Context, name: string): Promise<CloudRow> => {
  const row = await cloudByName(context.db, name)
  if (!row) throw noCloud(name)
  return row
}

/** Milliseconds since 1970 as ISO 8601; null stays null. */
export const iso = (ms: number | null): string | null => (ms === null ? null : `${exact(ms)}Z`)
