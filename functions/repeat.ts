import { createHash } from 'node:crypto'
import { keepAnswer, repeatableByKey } from '../db/queries/line/repeatables.ts'
import { ToldOtherwise } from './broker/line/commit.ts'
import { uuid5 } from './broker/line/uuid.ts'
import type { Context } from './context.ts'
import { Fault } from './http/fault.ts'

/**
 * Exactly once for clients that ask again. A POST with an `Idempotency-Key`, or with a request id of the client's own,
 * that was served before gets the same answer; the same key with another body is 409. Keys are kept for 72 hours.
 *
 * The key is written in the batch of the mutation (`broker/commit`), with a seed from which the ids follow that the
 * request makes up: a repetition after a lost answer is worded from the same ids, though it writes nothing.
 */
export const serveOnce = async (
  context: Context,
  request: Request,
  serve: (context: Context) => Promise<Response>,
): Promise<Response> => {
  const given = request.headers.get('Idempotency-Key') ?? request.headers.get('X-OpenStack-Request-ID')
  if (!given || !context.caller) return serve(context)
  const body = await request.clone().text()
  const owner = context.caller.projectId || context.caller.userId
  const key = hash([owner, new URL(request.url).pathname, given])
  const bodyHash = hash([body])
  const known = await repeatableByKey(context.db, key)
  if (known && known.bodyHash !== bodyHash)
    throw new Fault(409, 'This idempotency key was used for another request.', { type: 'IdempotencyKeyInUse' })
  if (known?.answer) return new Response(known.answer.body, known.answer)
  let made = 0
  const seed = known?.seed ?? context.newId()
  const once = { key, bodyHash, seed, written: false, replay: known !== null, otherId: context.newId }
  const response = await serve({ ...context, once, newId: () => uuid5(`${seed}/${made++}`) }).catch(wording)
  if ((once.written || once.replay) && response.ok) await keepAnswer(context.db, key, await recorded(response.clone()))
  return response
}

const wording = (error: unknown): never => {
  if (!(error instanceof ToldOtherwise)) throw error
  throw new Fault(409, 'The request was served before, and its answer is not known any more. Look for what it made.', {
    type: 'AnswerForgotten',
  })
}

const recorded = async (response: Response) => ({
  status: response.status,
  headers: Object.fromEntries(response.headers),
  body: (await response.text()) || null,
})

const hash = (parts: string[]): string => createHash('sha256').update(JSON.stringify(parts)).digest('base64url')
