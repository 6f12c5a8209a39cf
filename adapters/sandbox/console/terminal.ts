import { getty } from './getty.ts'

/** How often it is looked whether the guest wrote more, in milliseconds. */
const LOOK_MS = 500
/** Sooner it is not looked again, however much is typed. */
const AGAIN_MS = 100
/** So many characters of answers wait to be read; what is typed beyond is lost, as in a line that is full. */
const MOST_SAID = 65_536

/** What a guest writes while somebody looks, and what he types there. */
export interface Terminal {
  type(typed: string): void
  /** What was written since it was last asked; if there is nothing, a while is waited for it. Null: there is no console any more. */
  more(): Promise<string | null>
  /** It is waited no longer. */
  wake(): void
  close(): void
}

/** The word before the last ` login: ` that a guest wrote. */
const hostIn = (text: string): string => {
  const line = text.trimEnd().split('\n').at(-1)!.trim()
  return line.endsWith(' login:') ? line.slice(0, -' login:'.length).split(' ').at(-1)! : 'localhost'
}

/**
 * @param written all that the guest wrote since it booted; null: it does not run any more
 * @param limit ends it
 */
export const terminal = (written: () => Promise<string | null>, limit: AbortSignal): Terminal => {
  let [known, said, closed] = ['', '', false]
  let lookedAt = Number.NEGATIVE_INFINITY
  let wake = () => {}
  const woken = () => {
    const before = wake
    wake = () => {}
    before()
  }
  const host = () => hostIn(known)
  const typing = getty((text) => {
    if (said.length + text.length <= MOST_SAID) said += text
  }, host)
  const close = () => {
    closed = true
    woken()
  }
  limit.addEventListener('abort', close)
  /** What is new; a guest that booted again begins anew. */
  const news = async (): Promise<string | null> => {
    const now = performance.now()
    const soon = now - lookedAt < AGAIN_MS
    if (!soon) lookedAt = now
    const text = soon ? known : await written()
    if (text === null) return null
    const fresh = text.startsWith(known) ? text.slice(known.length) : text
    known = text
    const answers = said
    said = ''
    return fresh.replaceAll('\n', '\r\n') + answers
  }
  return {
    type(typed) {
      typing(typed)
      woken()
    },
    async more() {
      if (closed || limit.aborted) return null
      const text = await news()
      if (text !== '') return text
      await new Promise<void>((resolve) => {
        const later = setTimeout(resolve, LOOK_MS)
        wake = () => {
          clearTimeout(later)
          resolve()
        }
      })
      return closed || limit.aborted ? null : news()
    },
    wake: woken,
    close,
  }
}
