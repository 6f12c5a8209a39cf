import { cloudsFor } from '../../../db/queries/clouds/clouds.ts'
import type { Context } from '../../context.ts'
import type { StoreCloud } from './copying.ts'

/** The store of the broker itself, in which all data comes to be first. */
export const OWN_STORE = 'plimsoll'

/** Clouds that may have a copy of an image of a project: those that it uses, in the operator's order. */
export const storeClouds = async (context: Pick<Context, 'db'>, projectId: string): Promise<StoreCloud[]> =>
  (await cloudsFor(context.db, { projectId }))
    .map(({ cloud: { id, name, type } }) => ({ id, name, type }))
    .filter(({ name }) => name !== OWN_STORE)
