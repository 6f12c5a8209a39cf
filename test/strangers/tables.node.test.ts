import { expect, test } from 'vitest'
import { type Node, placeOf, sources, walk } from '../support/source.ts'

const files = sources().filter(({ file }) => !file.startsWith('functions/demo/') && file !== 'adapters/table.ts')
type Type = Node & { typeName?: { name?: string }; typeArguments?: { params: Node[] }; types?: Type[] }

/** Names of types that stand for any key: `type Attributes = Record<string, …>`. */
const open = new Set<string>()
const isOpen = (type: Type | undefined): boolean =>
  !!type &&
  ((type.typeName?.name === 'Record' && type.typeArguments?.params[0]?.type === 'TSStringKeyword') ||
    open.has(type.typeName?.name ?? '') ||
    (type.type === 'TSIntersectionType' && type.types!.some(isOpen)))
for (const { tree } of files)
  walk(tree, (node) => {
    if (node.type === 'TSTypeAliasDeclaration' && isOpen(node.typeAnnotation as Type)) open.add((node.id as Named).name)
  })

type Named = Node & { name: string; typeAnnotation?: { typeAnnotation: Type } }
const shown = (source: (typeof files)[number], node: Node) =>
  `${placeOf(source, node)} ${source.text.slice(node.start, node.end).split('\n')[0]}`

/** Every node that is not as it should be. */
const found = (isWrong: (node: Node, around: Node[], text: string) => boolean): string[] =>
  files.flatMap((source) => {
    const wrong: string[] = []
    walk(source.tree, (node, around) => {
      if (isWrong(node, around, source.text)) wrong.push(shown(source, node))
    })
    return wrong
  })

/** Locals whose keys are all written here, and that are never asked for another's. */
const WRITTEN_HERE = /\b(body|address|headers|reckoned|given): /

test('what is looked up by any key is a table, which has its own entries and no other', () => {
  const literals = found((node, _, text) => {
    if (node.type !== 'VariableDeclarator' || (node.init as Node | null)?.type !== 'ObjectExpression') return false
    const { typeAnnotation } = node.id as Named
    return isOpen(typeAnnotation?.typeAnnotation) && !WRITTEN_HERE.test(text.slice(node.start, node.start + 60))
  })
  expect(literals).toEqual([])
})

test('nothing asks by `in` for a key that a stranger may have sent: it would find those of the language', () => {
  const asked = found(
    (node) => node.type === 'BinaryExpression' && node.operator === 'in' && (node.left as Node).type !== 'Literal',
  )
  expect(asked.filter((each) => !/BEFORE$|ovf-spec.*field in given/.test(each))).toEqual([])
})

/** Keys that were looked up before, or that are our own. */
const KNOWN =
  /^(adapters\/(aws\/marks|registry|sandbox\/faults)|db\/(sqlite|queries\/)|functions\/(broker\/|compute\/(hypervisors|servers\/volume-attachments)))/

test("a foreign key is not called one of the table's: `own` looks whether it is", () => {
  const cast = found(
    (node) =>
      node.type === 'MemberExpression' && node.computed === true && (node.property as Node).type === 'TSAsExpression',
  )
  expect(cast.filter((each) => !KNOWN.test(each))).toEqual([])
})
