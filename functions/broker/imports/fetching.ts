import { CloudError } from '../../../adapters/errors.ts'
import { type ImageTask, keepTask } from '../../../db/queries/image/tasks.ts'
import type { FetchWork } from '../../../db/schema/index.ts'
import type { BlobStore, Context } from '../../context.ts'
import { dropParts } from '../image/image-tasks.ts'
import { backoff } from '../line/clockwork.ts'
import { fetchFrom, ImportFailed } from './address.ts'
import { Intake, Trickle } from './intake.ts'

/** How long a task is one process's without a word of it, in milliseconds. */
export const LEASE = 60_000
/** How often it says that it goes on. */
const BEAT = 5_000
/** What is fetched is kept in parts of this size, so that a death costs no more than one. */
const PART = { node: 64 * 2 ** 20, workers: 8 * 2 ** 20 }
/** How long one turn may take: a Worker ends sooner than that. */
const TURN = { node: 3_600_000, workers: 20_000 }
/** How long a server may take until it answers. */
const ANSWER = 30_000
const MOST_PARTS = 20_000
/** Tries in a row of which nothing came, until it is given up. */
const TRIES = 8
/** How long an import may take in all. */
const DAY = 86_400_000

/** Somebody else has the task by now. */
export class TaskLost extends Error {}

/** How a turn ended: all of it is there, or there is more to fetch later. */
export type Turn = { there: true; work: FetchWork } | { there: false }

/** What a server says that it sends. */
interface Offer {
  body: ReadableStream<Uint8Array>
  work: FetchWork
}

/** Fetches more of an image, from where it broke off on where the server can do that. Throws `ImportFailed`, `TaskLost`. */
export const fetchMore = async (
  context: Context,
  store: BlobStore,
  task: ImageTask,
  asked: FetchWork,
  room: () => Promise<number>,
): Promise<Turn> => {
  if (context.now() - task.createdAt > DAY) throw new ImportFailed('Not all of it came within a day.')
  // All of it came in an earlier turn, and is still to be made an image.
  if (asked.done > 0 && asked.done === asked.total) return { there: true, work: asked }
  const { runtime } = context.settings
  const until = context.now() + TURN[runtime]
  let work = asked
  let intake: Intake | null = null
  try {
    const offer = await offerOf(context, store, task, work)
    work = offer.work
    let most = 0
    const measure = async () => {
      most = Math.min(context.settings.imageSizeCap, await room())
      refuseLarger(Math.max(work.total ?? 0, work.done), most)
    }
    const heed = beating(context, task, (taken) => refuseLarger(work.done + taken, most))
    intake = new Intake(offer.body, heed, context.now)
    await measure()
    // What is to come counts from now on, for whoever asks for room meanwhile.
    if (work !== asked && !(await keepTask(context.db, task, { work }))) throw new TaskLost()
    const over = () => context.now() >= until
    while (!intake.ended && !intake.broken && !over()) {
      work = await keepPart(context, store, task, work, intake, { most: PART[runtime], over })
      if (!intake.ended) await measure()
    }
    if (intake.broken) throw intake.broken
    if (!intake.ended && work.validator === null) throw tooSlow(until)
    if (!intake.ended) return await again(context, task, work, context.now())
    if (work.total !== null && work.done !== work.total) throw new Error('The data ended before all of it was there.')
    return { there: true, work }
  } catch (error) {
    if (error instanceof ImportFailed || error instanceof TaskLost) throw error
    return await later(context, task, work, error)
  } finally {
    await intake?.close()
  }
}

const tooSlow = (until: number): ImportFailed =>
  new ImportFailed(
    `The server hands out no ranges, so all of it has to come at once, and did not by ${new Date(until).toISOString()}.`,
  )

const refuseLarger = (bytes: number, most: number): void => {
  if (bytes > most) throw new ImportFailed(`The image is larger than ${most} bytes, which is what it may have here.`)
}

/** Says now and then that the task goes on. */
export const beating = (context: Context, task: ImageTask, heed: (taken: number) => void = () => {}) => {
  let beatAt = context.now()
  return async (taken: number): Promise<void> => {
    heed(taken)
    const now = context.now()
    if (now - beatAt < BEAT) return
    beatAt = now
    if (!(await keepTask(context.db, task, { leaseUntil: now + LEASE }))) throw new TaskLost()
  }
}

/** Asks the server, and finds out whether it goes on or begins anew. */
const offerOf = async (context: Context, store: BlobStore, task: ImageTask, work: FetchWork): Promise<Offer> => {
  const resumes = work.done > 0 && work.validator !== null
  const headers = {
    'User-Agent': 'Plimsoll',
    'Accept-Encoding': 'identity',
    ...(resumes ? { Range: `bytes=${work.done}-`, 'If-Range': work.validator! } : {}),
  }
  const controller = new AbortController()
  const timer = setTimeout(() => controller.abort(new Error('The server does not answer.')), ANSWER)
  const response = await fetchFrom(context, work.url, headers, controller.signal).finally(() => clearTimeout(timer))
  const { status, body } = response
  if (status === 206 && resumes) {
    const [, from, total] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(response.headers.get('content-range') ?? '') ?? []
    if (Number(from) === work.done && body && (work.total === null || Number(total) === work.total))
      return { body, work }
  }
  if (status !== 200 || !body) await body?.cancel().catch(() => {})
  if (status === 206 || status === 416) return { ...(await anew(context, store, task, work)), body: nothing() }
  if (status === 429 || status >= 500) throw new Error(`The server answered ${status}.`)
  if (status !== 200 || !body) throw new ImportFailed(`The server answered ${status}.`)
  const encoding = response.headers.get('content-encoding')
  if (encoding !== null && encoding !== 'identity') {
    await body.cancel().catch(() => {})
    throw new ImportFailed(`The server sends it packed (${encoding.slice(0, 40)}), whatever it is asked.`)
  }
  const fresh = work.done > 0 ? (await anew(context, store, task, work)).work : work
  const length = response.headers.get('content-length')
  return {
    body,
    work: {
      ...fresh,
      total: length !== null && /^\d+$/.test(length) ? Number(length) : null,
      validator: validatorOf(response),
    },
  }
}

/** What an answer begins with that is none of what was asked: the next try has all of it. */
const nothing = () =>
  new ReadableStream<Uint8Array>({
    start: (to) => to.error(new Error('The server sent another part than it was asked for.')),
  })

/** What is there is not to be gone on with. */
const anew = async (
  context: Context,
  store: BlobStore,
  task: ImageTask,
  work: FetchWork,
): Promise<{ work: FetchWork }> => {
  const fresh = { ...work, parts: [], done: 0, total: null, validator: null }
  if (!(await keepTask(context.db, task, { work: fresh }))) throw new TaskLost()
  await dropParts(store, work)
  return { work: fresh }
}

/** https://www.rfc-editor.org/rfc/rfc9110#name-if-range: a weak tag says nothing of single bytes. */
const validatorOf = ({ headers }: Response): string | null => {
  if (headers.get('accept-ranges') !== 'bytes') return null
  const tag = headers.get('etag')
  return tag?.startsWith('"') ? tag : headers.get('last-modified')
}

/** One part comes into the store, and is written down. */
const keepPart = async (
  context: Context,
  store: BlobStore,
  task: ImageTask,
  work: FetchWork,
  intake: Intake,
  { most, over }: { most: number; over: () => boolean },
): Promise<FetchWork> => {
  if (work.parts.length >= MOST_PARTS) throw new ImportFailed('It comes in too many small pieces.')
  const part = context.newId().slice(0, 8)
  const key = `${work.blob}.${part}`
  await store.write(key, intake.part(most, over))
  if (intake.broken instanceof TaskLost || intake.broken instanceof ImportFailed || !intake.taken) {
    await store.remove(key)
    if (intake.broken instanceof TaskLost || intake.broken instanceof ImportFailed) throw intake.broken
    return work
  }
  // What comes too slowly, or has to come as a whole, is no nearer for a piece of it.
  const failures = intake.broken instanceof Trickle || work.validator === null ? work.failures : 0
  const grown = { ...work, parts: [...work.parts, part], done: work.done + intake.taken, failures }
  const now = context.now()
  const set = { work: grown, leaseUntil: now + LEASE, updatedAt: now }
  if (await keepTask(context.db, task, set)) return grown
  await store.remove(key)
  throw new TaskLost()
}

const again = async (context: Context, task: ImageTask, work: FetchWork, dueAt: number): Promise<Turn> => {
  await keepTask(context.db, task, { work, dueAt, leaseUntil: 0, updatedAt: context.now() })
  return { there: false }
}

const later = async (context: Context, task: ImageTask, work: FetchWork, error: unknown): Promise<Turn> => {
  const why = error instanceof Error ? error.message : String(error)
  const failures = work.failures + 1
  if (failures >= TRIES)
    throw new ImportFailed(`${work.done ? 'Not all of it' : 'Nothing'} came in ${TRIES} tries. ${why}`)
  context.log('info', 'an image could not be fetched, and will be', { task: task.id, why })
  return again(context, task, { ...work, failures }, context.now() + backoff(failures - 1, 2_000, 300_000))
}

/** All parts as one. @param broke is told why they could not be read to their end: by the store's fault, or what `heed` threw */
export const joined = (
  store: BlobStore,
  { blob, parts }: FetchWork,
  heed: (taken: number) => Promise<void>,
  broke: (error: unknown) => void,
): ReadableStream<Uint8Array> => {
  let reader: ReadableStreamDefaultReader<Uint8Array> | null = null
  let next = 0
  let taken = 0
  const leave = async () => void (await reader?.cancel().catch(() => {}))
  const more = async (): Promise<Uint8Array | null> => {
    for (;;) {
      if (!reader) {
        if (next === parts.length) return null
        reader = (await store.read(`${blob}.${parts[next++]}`)).getReader()
      }
      const { done, value } = await reader.read()
      if (!done) {
        taken += value.length
        await heed(taken)
        return value
      }
      reader = null
    }
  }
  return new ReadableStream<Uint8Array>({
    pull: async (to) => {
      try {
        const piece = await more()
        if (piece) to.enqueue(piece)
        else to.close()
      } catch (error) {
        // A part that is lost does not come back.
        broke(error instanceof CloudError && error.code === 'definitive' ? new ImportFailed(error.message) : error)
        await leave()
        throw error
      }
    },
    cancel: leave,
  })
}
