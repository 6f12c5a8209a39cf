import { registerHooks } from 'node:module'
import { mutants } from './mutants.ts'

/** Preloaded with the number of a mutant in `MUTANT`: its file is read with the rule taken out, all others as they are. */
const mutant = mutants[Number(process.env.MUTANT)]
if (!mutant) throw new Error(`there is no mutant ${process.env.MUTANT}`)
let used = false

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context)
    if (!url.endsWith(`/${mutant.file}`)) return loaded
    used = true
    let source = String(loaded.source)
    for (const [text, by] of mutant.replace) {
      const count = source.split(text).length - 1
      if (count !== 1) throw new Error(`${mutant.file} has ${count} times: ${text}`)
      source = source.replace(text, () => by)
    }
    return { ...loaded, source }
  },
})
process.on('exit', (code) => {
  if (!used && code === 0) process.exitCode = 3
})
