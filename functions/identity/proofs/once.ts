import { createHash } from 'node:crypto'
import { useOnce } from '../../../db/queries/identity/used-once.ts'
import type { Context } from '../../context.ts'

/**
 * Uses up what proves something once; only its hash is kept. False: it was used before.
 * @param until how long it could be used, in milliseconds since 1970
 */
export const isFirstUse = ({ db }: Pick<Context, 'db'>, what: string, until: number): Promise<boolean> =>
  useOnce(db, createHash('sha256').update(what).digest('hex'), until)
