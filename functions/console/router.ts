import { storeOf } from './store.ts'

/*
 * Where somebody is stands behind the `#` of the address: it is never sent, so that pages and the API share one origin, and
 * a page that is loaded again comes back to where it was.
 */

export interface Route {
  /** `/servers/ID`, decoded, without the query. */
  path: string
  query: URLSearchParams
}

/** The route that an address says behind its `#`. */
const routeIn = (hash: string): Route => {
  const text = hash.replace(/^#/, '') || '/'
  const at = text.indexOf('?')
  return {
    path: (at < 0 ? text : text.slice(0, at)) || '/',
    query: new URLSearchParams(at < 0 ? '' : text.slice(at + 1)),
  }
}

/** What a pattern as `/servers/:id` finds in a path, decoded; null: it is another page's. */
export const paramsIn = (pattern: string, path: string): Record<string, string> | null => {
  const wanted = pattern.split('/')
  const given = path.split('/')
  if (wanted.length !== given.length) return null
  const params: [name: string, value: string][] = []
  for (const [i, part] of wanted.entries()) {
    const word = given[i] ?? ''
    if (part.startsWith(':')) {
      const param = decoded(word)
      // In the path of a question these would lead elsewhere.
      if (!param || param === '.' || param === '..') return null
      params.push([part.slice(1), param])
    } else if (part !== word) return null
  }
  return Object.fromEntries(params)
}

const decoded = (word: string): string => {
  try {
    return decodeURIComponent(word)
  } catch {
    return word
  }
}

/** The address of a place: `linkTo('/servers/:id', { id })`, `linkTo('/servers', {}, { status: 'ERROR' })`. */
export const linkTo = (
  pattern: string,
  params: Record<string, string> = {},
  query: Record<string, string | undefined> = {},
): string => {
  const path = pattern.replace(/:(\w+)/g, (_, name: string) => encodeURIComponent(params[name] ?? ''))
  const said = Object.entries(query).filter((each): each is [string, string] => Boolean(each[1]))
  return `#${path}${said.length ? `?${new URLSearchParams(said)}` : ''}`
}

export const route = storeOf<Route>(routeIn(globalThis.location?.hash ?? ''))
globalThis.addEventListener?.('hashchange', () => route.set(routeIn(location.hash)))

/** Goes to an address of `linkTo`; `replace`: as if one had come there at once. */
export const goTo = (link: string, replace = false): void => {
  if (replace) {
    history.replaceState(null, '', link)
    route.set(routeIn(link))
  } else location.hash = link
}
