import { badRequest } from './fault.ts'

/** Which names of this host requests may be for, and what clients are told instead of any. */
export interface Names {
  /** Origin that clients see; null: the one that they ask. */
  publicUrl: string | null
  /** Names and addresses, `*.` in front for all below a name; null: any. */
  allowedHosts: string[] | null
}

/** A name or an address as URL writes it, with a port perhaps. */
const HOST = /^(\[[0-9a-f:.]+\]|[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?)(:\d{1,5})?$/

/**
 * What links begin with: the public origin, else the one that the request was sent to, which anybody can write.
 * 400 for a host that is none, or that is not listed where there is a list: a page elsewhere whose name was made to lead
 * here cannot make a browser speak for it.
 */
export const originsOf = ({ publicUrl, allowedHosts }: Names): ((url: string) => string) => {
  let known = ''
  return (url) => {
    // The URL of a request is absolute and normal: its origin ends at the first slash after the scheme.
    const origin = url.slice(0, url.indexOf('/', 'https://'.length))
    if (origin !== known) {
      const host = origin.slice(origin.indexOf('://') + 3)
      const name = host.replace(/:\d+$/, '').replace(/\.$/, '')
      if (publicUrl === null && !HOST.test(host)) throw badRequest('The host of the request is not a name.')
      if (allowedHosts && !allowedHosts.some((allowed) => fits(allowed, name)))
        throw badRequest('The host of the request is not served here: PLIMSOLL_ALLOWED_HOSTS lists those that are.')
      known = origin
    }
    return publicUrl ?? origin
  }
}

const fits = (allowed: string, name: string): boolean =>
  allowed.startsWith('*.') ? name.endsWith(allowed.slice(1)) : name === allowed
