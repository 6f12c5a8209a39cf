import type * as z from 'zod'
import type { ServerRow } from '../../../../db/queries/compute/servers.ts'
import type { Answer, Input } from '../../../http/operation.ts'

/** One entry of the table behind POST /servers/{id}/action: its name is the only key of the body. */
export interface Action<Body = unknown> {
  name: string
  since?: number
  until?: number
  /** Nova's rule for it; absent: members of the project may. */
  adminRule?: string
  /** What stands under the name. Absent: anything. */
  body?: z.ZodType<Body> | ((version: number) => z.ZodType<Body>)
  /** Of success: 202 unless it says otherwise. */
  handle(input: Input, server: ServerRow, body: Body): Promise<Answer | undefined> | Answer | undefined
}

/** Keeps the type of the body; returns the action as it is. */
export const action = <Body = unknown>(definition: Action<Body>): Action => definition as unknown as Action
