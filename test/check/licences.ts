import { readFileSync } from 'node:fs'

/** What a `package-lock.json` of version 3 says of one package. */
export interface Locked {
  version?: string
  license?: string
  dev?: boolean
  optional?: boolean
  optionalDependencies?: Record<string, string>
}

/** Licences that ask for no more than their own text: what the program is built from has one of these. */
const PERMISSIVE = new Set([
  '0BSD',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BlueOak-1.0.0',
  'CC0-1.0',
  'ISC',
  'MIT',
  'Unlicense',
])

/** What packages say of themselves in the form that npm had before (`licenses`), of which a lock file tells nothing. */
const SAID_BEFORE = new Map([
  ['ssh2', 'MIT'],
  ['buildcheck', 'MIT'],
])

/** Tools that are run while developing, never linked or handed on, and the licence that each has besides. */
const TOOLS: [name: RegExp, licence: string][] = [
  [/^lightningcss(-|$)/, 'MPL-2.0'], // vite compiles style sheets with it; there are none here
  [/^axe-core$/, 'MPL-2.0'], // looks for what keeps people out of pages
  [/^@img\/sharp-/, 'LGPL-3.0-or-later'], // wrangler's local stand-in for image transformations
]

/** What is handed to browsers as its authors hand it on, each file with its licence: that asks for the files themselves, which they get. */
const HANDED_ON: [name: RegExp, licence: string][] = [[/^@novnc\/novnc$/, 'MPL-2.0']]

const nameOf = (path: string): string => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)

/** `MIT OR X` may be chosen from; `A AND B` binds to both. Brackets do not occur beyond one level. */
const allowed = (expression: string, one: (licence: string) => boolean): boolean =>
  expression
    .replaceAll(/[()]/g, '')
    .split(' OR ')
    .some((choice) => choice.split(' AND ').every((licence) => one(licence.trim())))

/**
 * The licence of a package. One for another platform, which npm had no occasion to look at, has the licences of its
 * twins for this one: what else the same package lists as optional.
 */
const licenceOf = (path: string, packages: Record<string, Locked>): string | null => {
  const own = packages[path]?.license ?? SAID_BEFORE.get(nameOf(path))
  if (own !== undefined || !packages[path]?.optional) return own ?? null
  const name = nameOf(path)
  const parents = Object.values(packages).filter(({ optionalDependencies = {} }) =>
    Object.hasOwn(optionalDependencies, name),
  )
  const twins = parents.flatMap(({ optionalDependencies = {} }) => Object.keys(optionalDependencies))
  const known = Object.entries(packages).filter(([other, { license }]) => twins.includes(nameOf(other)) && license)
  return known.length ? [...new Set(known.map(([, { license }]) => license))].join(' AND ') : null
}

/** Packages whose licence is not permissive or not known, a sentence each. */
export const licenceFaults = (packages: Record<string, Locked>): string[] =>
  Object.entries(packages)
    .filter(([path]) => path !== '')
    .flatMap(([path, { dev = false, version }]) => {
      const name = nameOf(path)
      const licence = licenceOf(path, packages)
      if (licence === null) return [`${name} ${version} (${path}) says no licence`]
      const tolerated = [...HANDED_ON, ...(dev ? TOOLS : [])]
        .filter(([known]) => known.test(name))
        .map(([, licence]) => licence)
      return allowed(licence, (each) => PERMISSIVE.has(each) || tolerated.includes(each))
        ? []
        : [`${name} ${version} (${path}) is ${licence}, which is not permissive`]
    })

/** The packages of the lock file, by their path. */
export const lockedPackages = (): Record<string, Locked> =>
  (JSON.parse(readFileSync('package-lock.json', 'utf8')) as { packages: Record<string, Locked> }).packages
