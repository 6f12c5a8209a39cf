import { createHash } from 'node:crypto'
import { keepAnswer, type Repeatable, repeatableByKey } from '../db/queries/line/repeatables.ts'
import { ToldOtherwise } from './broker/line/commit.ts'
import { answerPlace, askedPlace } from './broker/line/sealed-places.ts'
import { uuid5 } from './broker/line/uuid.ts'
import type { Caller, Context } from './context.ts'
import { openAtRest, sealAtRest } from './crypto/at-rest.ts'
import { readText } from './http/body.ts'
import { Fault } from './http/fault.ts'

/**
 * Exactly once for clients that ask again. A POST with an `Idempotency-Key` that was served before gets the same answer;
 * the same key with another body is 409. Keys are kept for 72 hours, and are a user's in one project: nobody is given the
 * answer to somebody else, which may hold a private key. A request id is no such key: clients send one on many calls.
 *
 * The key is written in the batch of the mutation (`broker/commit`), with a seed from which the ids follow that the
 * request makes up: a repetition after a lost answer is worded from the same ids, though it writes nothing.
 */
export const serveOnce = async (
  context: Context,
  request: Request,
  serve: (context: Context) => Promise<Response>,
): Promise<Response> => {
  const given = request.headers.get('Idempotency-Key')
  if (!given || !context.caller) return serve(context)
  const asked = await wordsOf(request)
  const [key, former] = keysOf(context.caller, asked, given)
  const known = await repeatableByKey(context.db, [key, former])
  const same = known?.key === former ? hash([asked.body]) : hash([asked.query, ...asked.versions, asked.body])
  const before = known && openAtRest(context, askedPlace(known.key), known.bodyHash)
  // One that nobody can open any more is told by what the request made.
  if (before !== null && before !== same)
    throw new Fault(409, 'This idempotency key was used for another request.', { type: 'IdempotencyKeyInUse' })
  const answer = known?.key === key ? answerOf(context, known) : null
  if (answer) return answer
  let made = 0
  const seed = known?.seed ?? context.newId()
  const bodyHash = known?.bodyHash ?? sealAtRest(context, askedPlace(key), same)
  const row = { key: known?.key ?? key, bodyHash, seed }
  const once = { ...row, written: false, replay: known !== null, otherId: context.newId }
  const response = await serve({ ...context, once, newId: () => uuid5(`${seed}/${made++}`) }).catch(wording)
  // What the whole project could ask for holds no answers.
  if ((once.written || once.replay) && response.ok && row.key === key) {
    const kept = JSON.stringify(await recorded(response.clone()))
    await keepAnswer(context.db, row.key, sealAtRest(context, answerPlace(row.key), kept))
  }
  return response
}

/** Everything that makes two requests of one caller the same, but for the key. */
const wordsOf = async (request: Request) => {
  const { pathname, search } = new URL(request.url)
  const versions = ['OpenStack-API-Version', 'X-OpenStack-Nova-API-Version'].map((name) => request.headers.get(name))
  return {
    route: `${request.method} ${pathname}`,
    path: pathname,
    query: search,
    versions,
    body: await readText(request),
  }
}

/** The key of a row, and the one by which earlier versions of this program knew it: that was the whole project's. */
const keysOf = ({ userId, projectId }: Caller, { route, path }: Awaited<ReturnType<typeof wordsOf>>, given: string) =>
  [hash([userId, projectId, route, given]), hash([projectId || userId, path, given])] as const

interface Recorded {
  status: number
  headers: Record<string, string>
  body: string | null
}

/** The first answer, under the id of the request that asks for it now. */
const answerOf = (context: Context, row: Repeatable): Response | null => {
  const text = row.answer === null ? null : openAtRest(context, answerPlace(row.key), row.answer)
  if (text === null) return null
  const { status, headers, body } = JSON.parse(text) as Recorded
  const ids = Object.keys(headers).filter((name) => name.endsWith('request-id'))
  const renewed = Object.fromEntries(ids.map((name) => [name, context.requestId]))
  return new Response(body, { status, headers: { ...headers, ...renewed } })
}

const wording = (error: unknown): never => {
  if (!(error instanceof ToldOtherwise)) throw error
  throw new Fault(409, 'The request was served before, and its answer is not known any more. Look for what it made.', {
    type: 'AnswerForgotten',
  })
}

const recorded = async (response: Response): Promise<Recorded> => ({
  status: response.status,
  headers: Object.fromEntries(response.headers),
  body: (await response.text()) || null,
})

const hash = (parts: (string | null)[]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('base64url')
