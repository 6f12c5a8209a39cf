import { globSync, readFileSync } from 'node:fs'
import { parseAst } from 'vitest/node'

/** A node of the syntax tree, as ESTree has it. */
export interface Node {
  type: string
  start: number
  end: number
  [key: string]: unknown
}
export interface Source {
  file: string
  text: string
  tree: Node
}

const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null && 'type' in value

/** Every file of the program itself, parsed. */
export const sources = (): Source[] =>
  globSync(['functions/**/*.ts', 'adapters/**/*.ts', 'db/**/*.ts'])
    .sort()
    .map((file) => {
      const text = readFileSync(file, 'utf8')
      return { file, text, tree: parseAst(text, { lang: 'ts' }, file) as unknown as Node }
    })

/** Looks at every node, with the ones around it, innermost first. */
export const walk = (tree: Node, look: (node: Node, around: Node[]) => void, around: Node[] = []): void => {
  look(tree, around)
  const inside = [tree, ...around]
  for (const value of Object.values(tree))
    for (const each of Array.isArray(value) ? value : [value]) if (isNode(each)) walk(each, look, inside)
}

/** `file:line` of a node. */
export const placeOf = ({ file, text }: Source, node: Node): string =>
  `${file}:${text.slice(0, node.start).split('\n').length}`
