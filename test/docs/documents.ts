import { documentOf } from '../../functions/openapi/document.ts'
import { services } from '../../functions/services.ts'

/** The names below which services stand. */
export const NAMES = [...new Set(services.map(({ prefix }) => prefix.split('/')[1]!))]

/** The OpenAPI document of a service as it is served, an operation and a schema a line. */
export const printedDocument = async (name: string): Promise<string> => {
  const own = services.filter(({ prefix }) => prefix === `/${name}`)
  const below = services.filter(({ prefix }) => prefix.startsWith(`/${name}/`))
  const document = (await documentOf([...own, ...below])) as { paths: object; components: { schemas: object } }
  const { paths, components, ...head } = document
  const lines = (entries: object, each: (value: unknown) => string) =>
    Object.entries(entries)
      .map(([key, value]) => `${JSON.stringify(key)}: ${each(value)}`)
      .join(',\n')
  const { schemas, ...others } = components
  return [
    `${JSON.stringify(head).slice(0, -1)},`,
    `"paths": {\n${lines(paths, (item) => `{\n${lines(item as object, JSON.stringify)}\n}`)}\n},`,
    `"components": ${JSON.stringify(others).slice(0, -1)}, "schemas": {\n${lines(schemas, JSON.stringify)}\n}}}`,
    '',
  ].join('\n')
}
