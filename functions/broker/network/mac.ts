import type { Context } from '../../context.ts'

/** Neutron's prefix, and three bytes by chance. The cloud may report another one, which then stands. */
export const randomMac = (context: Context): string =>
  `fa:16:3e:${context
    .newId()
    .replaceAll('-', '')
    .slice(0, 6)
    .replace(/(..)(?!$)/g, '$1:')}`
