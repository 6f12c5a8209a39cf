import type { Fault } from './fault.ts'

const TITLES: Record<number, string> = {
  400: 'Bad Request',
  404: 'Not Found',
  405: 'Method Not Allowed',
  426: 'Upgrade Required',
  429: 'Too Many Requests',
  501: 'Not Implemented',
}

/** A fault in place of a page, in the words that Keystone has for one: pages are no service's, and speak no dialect. */
export const pageFault = ({ status, message, headers: own }: Fault, headers: Record<string, string>): Response =>
  Response.json(
    { error: { code: status, title: TITLES[status], message } },
    { status, headers: { ...headers, ...own } },
  )
