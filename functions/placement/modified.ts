import type { Input } from '../http/operation.ts'

/** What an answer says of its age from 1.15 on: that it is of now. No answer is kept by a cache anyway. */
export const modified = ({ version, context }: Pick<Input, 'version' | 'context'>) =>
  version >= 15 ? { headers: { 'Last-Modified': new Date(context.now()).toUTCString() } } : {}
