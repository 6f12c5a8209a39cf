import type { Context } from '../../context.ts'
import { endpointFault, guardedFetch } from '../clouds/endpoint.ts'

/** What an address of an image is judged by: private ones are an operator's to allow, by name. */
const reachOf = ({ settings }: Pick<Context, 'settings'>, url: string) => ({
  name: 'image',
  options: { allow_private: URL.canParse(url) && settings.importHosts.includes(new URL(url).hostname) },
  allowing: 'an operator can name it in PLIMSOLL_IMPORT_HOSTS',
})

/** Why nothing may be fetched from an address, as a sentence; null: it may. */
export const addressFault = (context: Pick<Context, 'settings'>, url: string): Promise<string | null> =>
  endpointFault(url, reachOf(context, url))

/** Why an import came to nothing, for its task: another try would come to the same. */
export class ImportFailed extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'ImportFailed'
  }
}

/** How often a server may point elsewhere. */
const HOPS = 5

/** Asks for what is at an address, each place that it points to judged like the first. Throws `ImportFailed`, or what the connection says. */
export const fetchFrom = async (
  context: Context,
  address: string,
  headers: Record<string, string>,
  signal: AbortSignal,
): Promise<Response> => {
  let url = address
  for (let hop = 0; hop <= HOPS; hop++) {
    const fault = await addressFault(context, url)
    if (fault) throw new ImportFailed(hop ? `The server points to where nothing is fetched from. ${fault}` : fault)
    const response = await guardedFetch(context, reachOf(context, url))(url, { headers, signal })
    if (![301, 302, 303, 307, 308].includes(response.status)) return response
    await response.body?.cancel().catch(() => {})
    const to = response.headers.get('location')
    if (to === null || !URL.canParse(to, url)) throw new ImportFailed('The server points elsewhere, and not where.')
    url = new URL(to, url).href
  }
  throw new ImportFailed(`The server points elsewhere more than ${HOPS} times.`)
}
