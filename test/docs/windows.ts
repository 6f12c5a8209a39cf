import { globSync, readFileSync } from 'node:fs'

const NUMBER = String.raw`(\d+|[A-Z][A-Z_]+)`
/** How the code says from which minor version on something holds, or until which. */
const FROM = [
  new RegExp(String.raw`\b(?:version|minor) (?:>=|===|<) ${NUMBER}`, 'g'),
  new RegExp(String.raw`\bsince: ${NUMBER}`, 'g'),
  // Tables of changes: a minor version and what it brings.
  /\[\s*(\d+),\s*[([]/g,
  /^const (?:SINCE|WITHOUT_\w+) = (\d+)$/gm,
]
const UNTIL = [new RegExp(String.raw`\b(?:until: |version === )${NUMBER}`, 'g')]

/** Minor versions at which the sources of a service do something else than before; names of constants are looked up in them. */
export const windowsOf = (folder: string): number[] => {
  const sources = globSync(`${folder}/**/*.ts`).map((path) => readFileSync(path, 'utf8'))
  const value = (text: string, said: string): number =>
    Number(
      /^\d+$/.test(said)
        ? said
        : (new RegExp(`const ${said}(?:: number)? = (\\d+)$`, 'm').exec(text)?.[1] ?? Number.NaN),
    )
  const found = sources.flatMap((text) => [
    ...FROM.flatMap((pattern) => [...text.matchAll(pattern)].map(([, said]) => value(text, said!))),
    ...UNTIL.flatMap((pattern) => [...text.matchAll(pattern)].map(([, said]) => value(text, said!) + 1)),
  ])
  return [...new Set(found)].filter((minor) => !Number.isNaN(minor)).sort((a, b) => a - b)
}
