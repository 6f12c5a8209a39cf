import type { Api } from '../support/api.ts'
import { patiently } from '../support/patiently.ts'
import { call, type Fields, fill, linkOf, press } from './forms.ts'
import { open, type Seat } from './seat.ts'

/** What a story says: each line is one thing that a person does at Horizon, and counts once. */
export interface Teller {
  /** Opens a form, fills it and sends it. */
  fill(title: string, path: string | (() => Promise<string>), fields: Fields | (() => Promise<Fields>)): Promise<void>
  /** Presses a button of the table at a path. */
  press(title: string, path: string | (() => Promise<string>), button: () => Promise<string>): Promise<void>
  /** Calls what a page of scripts calls. */
  call(title: string, method: string, path: string | (() => Promise<string>), body?: unknown): Promise<void>
  /** Opens a page; whatever is wrong is said in it. */
  look(title: string, path: () => Promise<string>): Promise<void>
  /** The id of the thing of this name, from a list of the broker. */
  id(path: string, name: string): Promise<string>
  /** Where a row of a table leads to. */
  link(path: string, text: string, ending: string): Promise<string>
  /** Waits until a field of a thing of the broker is so; `gone`: until it is not there. */
  until(path: string, field: string, value: string): Promise<void>
  gone(path: string): Promise<void>
}

const WAIT_MS = 60_000

export const tellAs = (seat: Seat, api: Api): Teller => {
  const given = async <T>(value: T | (() => Promise<T>)): Promise<T> =>
    typeof value === 'function' ? (value as () => Promise<T>)() : value
  const tell = async (title: string, run: () => Promise<string[] | undefined>) => {
    await seat.tries(`forms: ${title}`, run)
  }
  // Cinder's paths name the project.
  const inProject = (path: string): string => path.replace('/volume/v3/', `/volume/v3/${api.projectId}/`)
  return {
    fill: (title, path, fields) => tell(title, async () => fill(seat, await given(path), await given(fields))),
    press: (title, path, button) => tell(title, async () => press(seat, await given(path), await button())),
    call: (title, method, path, body) =>
      tell(title, async () => {
        await call(seat, method, await given(path), await given(body))
        return []
      }),
    look: (title, path) => tell(title, async () => open(seat, await path())),
    id: async (path, name) => {
      const answer = await api.must('GET', inProject(path))
      const things = Object.values(answer).find(Array.isArray) ?? []
      const plain = things.map((each) => (each.keypair ?? each) as Record<string, string>)
      const found = plain.find((each) => each.name === name || each.display_name === name)
      if (!found) throw new Error(`there is no ${name} in ${path}`)
      return String(found.id)
    },
    link: (path, text, ending) => linkOf(seat, path, text, ending),
    until: (path, field, value) =>
      patiently(async () => {
        const thing = Object.values(await api.must('GET', inProject(path)))[0] as Record<string, unknown>
        if (String(thing[field]) !== value) throw new Error(`${field} of ${path} is ${thing[field]}, not ${value}`)
      }, WAIT_MS),
    gone: (path) =>
      patiently(async () => {
        const { status } = await api.call('GET', inProject(path))
        if (status !== 404) throw new Error(`${path} is still there`)
      }, WAIT_MS),
  }
}
