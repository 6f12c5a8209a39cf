import type { NativeId, Progress } from '../../contract.ts'
import type { Context } from '../context.ts'
import { writeInto } from './note.ts'
import { offShelf, stop, turnOn, withOurs } from './power.ts'

/* A shelved server keeps its definition, its disk and its ports, and is promised nothing of its host. */

/** Takes one step towards off, and promised no room. */
export const shelve = async (context: Context, id: NativeId): Promise<Progress> => {
  let progress: Progress = 'going'
  await withOurs(context, id, async (host, domain) => {
    const { power, note } = domain
    if (power === 'stopped' && note!.shelved) progress = 'done'
    else if (power === 'stopped') await writeInto(host, domain, { ...note!, shelved: true })
    // What is suspended has its memory in a file: it has to run, and shut down, first.
    else if (power === 'suspended') await turnOn(host, domain)
    else await stop(context, id, host, domain)
  })
  return progress
}

/** Takes one step towards running, with room promised anew. @throws `capacity` where there is none for it */
export const unshelve = async (context: Context, id: NativeId): Promise<Progress> => {
  let progress: Progress = 'going'
  await withOurs(context, id, async (host, domain) => {
    await offShelf(context, host, domain)
    if (domain.power === 'running') progress = 'done'
    else if (domain.power === 'stopped') await turnOn(host, domain)
  })
  return progress
}
