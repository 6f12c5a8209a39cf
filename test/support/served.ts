import { readFileSync } from 'node:fs'

/** What `npm start` has `node` do, so that what is tested is what is served; paths are relative to the project. */
export const SERVED: string[] = startOf().split(' ').slice(1)

function startOf(): string {
  const { scripts } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  if (!scripts.start.startsWith('node ')) throw new Error(`npm start does not run node: ${scripts.start}`)
  return scripts.start
}
