import type * as z from 'zod'
import type { VolumeRead } from '../../db/queries/block-storage/volumes.ts'
import type { Answer, Input } from '../http/operation.ts'

/** Something that can be asked of a volume beyond existence. */
export interface Action<Body = unknown> {
  /** What stands below the action's name, in a version; absent: anything, it is not read. */
  body?: z.ZodType<Body> | ((version: number) => z.ZodType<Body>)
  since?: number
  admin?: true
  run(input: Input, volume: VolumeRead, body: Body): Promise<Answer> | Answer
}
/** Keeps the types of body and run together; gives the action as it is. */
export const action = <Body>(definition: Action<Body>): Action => definition as unknown as Action
